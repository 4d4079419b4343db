//! Amounts for people: thousands apart, and in credits as the pool's scale shows them.

/// An amount of a pool: `12,345`; at a scale of 1,000, `12.345`.
pub fn amount(amount: i64, scale: i64) -> String {
    let scale = scale.unsigned_abs().max(1);
    let (whole, part) = (amount.unsigned_abs() / scale, amount.unsigned_abs() % scale);
    let sign = if amount < 0 { "-" } else { "" };
    let mut text = format!("{sign}{}", apart(whole));
    if part > 0 {
        // Exact at powers of ten; any other scale to six places.
        let places = if is_power_of_ten(scale) { scale.ilog10() } else { 6 };
        let part = u128::from(part) * 10_u128.pow(places) / u128::from(scale);
        let digits = format!("{part:0width$}", width = places as usize);
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

const fn is_power_of_ten(number: u64) -> bool {
    10_u64.pow(number.ilog10()) == number
}

fn apart(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_for_people() {
        let shown = [amount(0, 1), amount(999, 0), amount(-1_234_567, 1), amount(9_007_199_254_740_991, 1)];
        assert_eq!(shown, ["0", "999", "-1,234,567", "9,007,199,254,740,991"]);
    }

    #[test]
    fn a_scale_divides() {
        let shown = [amount(12_345, 1_000), amount(1_200_000, 1_000), amount(1, 1_000), amount(5, 60), amount(90, 60)];
        assert_eq!(shown, ["12.345", "1,200", "0.001", "0.083333", "1.5"]);
    }
}
