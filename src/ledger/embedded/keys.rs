//! Where things are in the store. An account id has no zero byte, so one ends it.
//!
//! | key | value |
//! | --- | --- |
//! | `A` account | the account's own record; its order is that of `ListAccounts` |
//! | `R` account 0 field | every other record |
//! | `H` account 0 expiry id | an open hold, by expiry |
//! | `D` moment key | a record to drop once that moment has passed |
//! | `Y` account 0 sequence | an entry of the activity log |
//! | `C` name | a document |
//! | `M` name | what the engine keeps for itself |
//!
//! Records carry the moment that they may be dropped at (0: never) in their first eight bytes.

/// The range of keys that begin with a prefix.
pub fn range(prefix: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let mut end = prefix.clone();
    let last = end.last_mut().expect("a prefix is not empty");
    *last = last.checked_add(1).expect("no prefix ends in 255");
    (prefix, end)
}

pub fn account(account: &[u8]) -> Vec<u8> {
    [b"A", account].concat()
}

pub fn record(account_id: &[u8], field: &[u8]) -> Vec<u8> {
    if field == b"a" { account(account_id) } else { [b"R", account_id, b"\0", field].concat() }
}

pub fn hold(account: &[u8], expires: u64, id: &[u8]) -> Vec<u8> {
    [b"H", account, b"\0", &expires.to_be_bytes(), id].concat()
}

/// Everything of one kind that an account has: `R`, `H` or `Y`.
pub fn of_account(kind: u8, account: &[u8]) -> Vec<u8> {
    [&[kind], account, b"\0"].concat()
}

pub fn activity(account: &[u8], sequence: u64) -> Vec<u8> {
    [b"Y", account, b"\0", &sequence.to_be_bytes()].concat()
}

pub fn drop_at(moment: u64, key: &[u8]) -> Vec<u8> {
    [b"D", moment.to_be_bytes().as_slice(), key].concat()
}

pub fn document(name: &str) -> Vec<u8> {
    [b"C", name.as_bytes()].concat()
}

pub const SEQUENCE: &[u8] = b"Msequence";
pub const RETENTION: &[u8] = b"Mretention";
