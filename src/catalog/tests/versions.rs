//! Versions side by side.

use std::{cmp::Ordering, sync::Arc};

use proptest::prelude::*;

use crate::{
    catalog::*,
    id::{CatalogName, CatalogVersion},
};

fn catalog(name: &str, version: &str, price: u64) -> Catalog {
    let text = format!(
        "catalog: {name}\nversion: {version}\npools: {{credits: {{}}}}\nactions: {{reply: {{pool: credits, price: {price}}}}}\n\
         plans: {{free: {{pools: {{credits: {{allowance: 1}}}}}}}}\n"
    );
    Catalog::parse(&text).unwrap()
}

fn name(text: &str) -> CatalogName {
    CatalogName::parse(text).unwrap()
}

fn version(text: &str) -> CatalogVersion {
    CatalogVersion::parse(text).unwrap()
}

fn loaded(versions: &[&str]) -> Catalogs {
    let mut catalogs = Catalogs::default();
    for version in versions {
        catalogs.insert(catalog("a", version, 1)).unwrap();
    }
    catalogs
}

#[test]
fn the_newest_version_is_the_greatest_not_the_last_loaded() {
    for (versions, newest) in [
        (["2025-08-07", "2025-10-01", "2025-09-30"].as_slice(), "2025-10-01"),
        (&["v9", "v10", "v1"], "v10"),
        (&["1.10", "1.9"], "1.10"),
        (&["7"], "7"),
        (&["2025-08-07", "2025-08-07.1"], "2025-08-07.1"),
    ] {
        assert_eq!(loaded(versions).newest(&name("a")).unwrap().version.as_str(), newest);
    }
    assert!(loaded(&["1"]).newest(&name("b")).is_none());
}

#[test]
fn old_versions_stay_with_their_prices() {
    let mut catalogs = loaded(&["1"]);
    catalogs.insert(catalog("a", "2", 5)).unwrap();
    let price = |number: &str| {
        let catalog: Arc<Catalog> = catalogs.get(&name("a"), &version(number)).unwrap();
        catalog.actions["reply"].price.base.credits.get()
    };
    assert_eq!((price("1"), price("2")), (1, 5));
    assert!(catalogs.get(&name("a"), &version("3")).is_none());
    let order: Vec<&str> = catalogs.versions(&name("a")).iter().map(|catalog| catalog.version.as_str()).collect();
    assert_eq!(order, ["1", "2"]);
}

#[test]
fn a_version_with_other_content_is_refused_and_with_other_comments_is_not() {
    let mut catalogs = loaded(&["1"]);
    let problems = catalogs.insert(catalog("a", "1", 2)).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "version: version 1 of a is loaded already with other content; give the change a new version"
    );
    let commented = Catalog::parse(&format!("# a comment\n{}", catalog("a", "1", 1).source())).unwrap();
    catalogs.insert(commented).unwrap();
    assert_eq!(catalogs.versions(&name("a")).len(), 1);
}

#[test]
fn a_catalog_is_the_only_one_until_there_are_two() {
    let mut catalogs = Catalogs::default();
    assert_eq!(catalogs.only(), None);
    catalogs.insert(catalog("a", "1", 1)).unwrap();
    catalogs.insert(catalog("a", "2", 1)).unwrap();
    assert_eq!(catalogs.only(), Some(&name("a")));
    catalogs.insert(catalog("b", "1", 1)).unwrap();
    assert_eq!(catalogs.only(), None);
}

#[test]
fn versions_are_bounded() {
    let mut catalogs = Catalogs::default();
    for number in 0..VERSIONS_MAX {
        catalogs.insert(catalog("a", &number.to_string(), 1)).unwrap();
    }
    assert!(catalogs.insert(catalog("b", "1", 1)).unwrap_err().to_string().contains("that is the limit"));
    assert_eq!(catalogs.names().count(), 1, "a refused catalog leaves no trace");
    catalogs.insert(catalog("a", "7", 1)).unwrap();
}

#[test]
fn publishing_is_all_or_nothing_and_leaves_earlier_snapshots_alone() {
    let handle = CatalogHandle::new(loaded(&["1"]));
    let before = handle.snapshot();
    handle.publish([catalog("a", "2", 1), catalog("a", "1", 9)]).unwrap_err();
    assert!(Arc::ptr_eq(&before, &handle.snapshot()), "one refused: none published");
    handle.publish([catalog("a", "2", 1), catalog("b", "1", 1)]).unwrap();
    assert_eq!(before.versions(&name("a")).len(), 1);
    assert_eq!(handle.clone().snapshot().newest(&name("a")).unwrap().version.as_str(), "2");
    handle.replace(Catalogs::default());
    assert_eq!(handle.snapshot().names().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_versions_is_total(a in "[0-9a.v-]{0,6}", b in "[0-9a.v-]{0,6}", c in "[0-9a.v-]{0,6}") {
        prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
        prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
        if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
            prop_assert!(natural(&a, &c).is_le());
        }
    }
}
