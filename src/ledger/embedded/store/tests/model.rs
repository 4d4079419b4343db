//! Random work against a map that cannot be wrong.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn random_key(random: &mut StdRng) -> Vec<u8> {
    format!("{:03}", random.random_range(0..300)).into_bytes()
}

fn random_batch(random: &mut StdRng, model: &mut Model) -> Batch {
    let mut batch = Batch::new();
    for _ in 0..random.random_range(1..20) {
        let key = random_key(random);
        if random.random_ratio(1, 4) {
            batch.delete(key.clone());
            model.remove(&key);
        } else {
            let value = vec![random.random(); random.random_range(0..400)];
            batch.put(key.clone(), value.clone());
            model.insert(key, value);
        }
    }
    batch
}

fn check_scan(random: &mut StdRng, store: &Store, model: &Model) {
    let (from, to) = (random_key(random), random_key(random));
    let (limit, reverse) = (random.random_range(0..50), random.random());
    let found = store.scan(&from, &to, limit, reverse).unwrap();
    let found: Vec<_> = found.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
    let mut expected: Vec<_> =
        if from < to { model.range(from..to).map(|(k, v)| (k.clone(), v.clone())).collect() } else { Vec::new() };
    if reverse {
        expected.reverse();
    }
    expected.truncate(limit);
    assert_eq!(found, expected);
}

#[test]
fn the_store_agrees_with_a_map_under_random_work() {
    for seed in 0..8 {
        let random = &mut StdRng::seed_from_u64(seed);
        let dir = directory();
        let options = || Options { durability: Durability::None, dirty_bytes_max: 32 * 1024, ..small() };
        let mut store = Store::open(dir.path(), options()).unwrap();
        let mut model = Model::new();
        for _ in 0..600 {
            match random.random_range(0..100) {
                0..50 => {
                    let batch = random_batch(random, &mut model);
                    store.commit(&batch).unwrap();
                }
                50..75 => {
                    let key = random_key(random);
                    assert_eq!(store.get(&key).unwrap().as_deref(), model.get(&key).map(Vec::as_slice));
                }
                75..97 => check_scan(random, &store, &model),
                97 | 98 => store.checkpoint(PATIENCE).unwrap(),
                _ => {
                    drop(store);
                    store = Store::open(dir.path(), options()).unwrap();
                }
            }
        }
        let all = store.scan(b"", b"\xff", usize::MAX, false).unwrap();
        let all: Model = all.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
        assert_eq!(all, model, "seed {seed}");
    }
}
