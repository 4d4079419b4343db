//! Reservations: what is held, what was charged.

use jiff::tz::TimeZone;

use super::{Grid, Scales, amount, facts, time, word};
use crate::proto::v1;

/// Items with the credits that are held, or would be.
pub fn reserved(items: &[v1::ReservedItem], scales: &Scales) -> String {
    let mut grid = Grid::new(&["action", ">quantity", ">credits", "pool", "subject", "note"]);
    for item in items {
        grid.row([
            item.action.clone(),
            amount(item.quantity, 1),
            scales.amount(&item.pool, item.credits),
            item.pool.clone(),
            item.subject.clone(),
            note(item.duplicate),
        ]);
    }
    grid.without_empty(&["subject", "note"]);
    grid.text()
}

/// A hold that was granted: until when, and for what.
pub fn granted(done: &str, held: &v1::Reservation, scales: &Scales, zone: &TimeZone) -> String {
    let until = time(held.expire_time.as_ref(), zone);
    let last = if held.final_unit { "; there is no more to be had" } else { "" };
    format!("{done}: {}, until {until}{last}\n\n{}", held.id, reserved(&held.items, scales))
}

/// What items were charged.
pub fn charges(charges: &[v1::ItemCharge], scales: &Scales) -> String {
    let mut grid = Grid::new(&["action", ">quantity", ">charged", ">overage", ">uncovered", "pool", "note"]);
    for charge in charges {
        let credits = |value: i64| scales.amount(&charge.pool, value);
        grid.row([
            charge.action.clone(),
            amount(charge.quantity, 1),
            credits(charge.credits),
            credits(charge.overage),
            credits(charge.uncovered),
            charge.pool.clone(),
            note(charge.duplicate),
        ]);
    }
    grid.without_empty(&["overage", "uncovered", "note"]);
    grid.text()
}

fn note(duplicate: bool) -> String {
    if duplicate { "duplicate".to_owned() } else { String::new() }
}

/// One reservation with all that is known of it.
pub fn reservation(held: &v1::Reservation, zone: &TimeZone) -> String {
    let mut metadata: Vec<String> = held.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
    metadata.sort();
    let scales = Scales::default();
    let mut text = facts(&[
        ("reservation", held.id.clone()),
        ("account", held.account.clone()),
        ("state", word(held.state().as_str_name())),
        ("made", time(held.create_time.as_ref(), zone)),
        ("expires", time(held.expire_time.as_ref(), zone)),
        ("ended", time(held.end_time.as_ref(), zone)),
        ("budgets", held.budgets.join(", ")),
        ("metadata", metadata.join(", ")),
        ("final", if held.final_unit { "yes: there is no more to be had".to_owned() } else { String::new() }),
    ]);
    text.push('\n');
    text.push_str(&if held.charges.is_empty() {
        reserved(&held.items, &scales)
    } else {
        charges(&held.charges, &scales)
    });
    text
}

/// One line a reservation.
pub fn reservations(list: &[v1::Reservation], zone: &TimeZone) -> String {
    let mut grid = Grid::new(&["reservation", "state", "items", "made", "expires", "ended"]);
    for held in list {
        let items: Vec<String> = held.items.iter().map(|item| format!("{}={}", item.action, item.quantity)).collect();
        grid.row([
            held.id.clone(),
            word(held.state().as_str_name()),
            items.join(" "),
            time(held.create_time.as_ref(), zone),
            time(held.expire_time.as_ref(), zone),
            time(held.end_time.as_ref(), zone),
        ]);
    }
    grid.without_empty(&["expires", "ended"]);
    grid.text()
}
