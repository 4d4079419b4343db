//! The catalogs of this suite are read without a server, so that a mistake in one says so in its own words.

use std::{fs, path::Path};

use stipend::catalog::Catalog;

#[test]
fn every_catalog_of_the_suite_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/catalogs");
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("the catalogs are there") {
        let path = entry.expect("a folder can be read").path();
        let text = fs::read_to_string(&path).expect("a catalog can be read");
        Catalog::parse(&text).unwrap_or_else(|problems| panic!("{}:\n{problems}", path.display()));
        read += 1;
    }
    assert_eq!(read, 3);
}
