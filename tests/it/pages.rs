//! What `docs/` says, held against what is: the API reference against the proto, the catalog reference against the schema and
//! the parser, links against files. The rules' examples are run by `scenarios`, commands by `readme`.

mod api;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use stipend::catalog::{Catalog, keys};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages for people: the README and everything in `docs/`.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md")];
    for folder in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(project().join(folder)).expect("a folder of the project");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        pages.extend(
            names
                .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"))
                .map(|name| Path::new(folder).join(name)),
        );
    }
    pages.sort();
    pages
}

/// The blocks of a page in a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap_or_default()).collect()
}

/// How a title is linked to.
fn anchor(title: &str) -> String {
    let kept = title.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn anchors(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

#[test]
fn every_key_of_the_schema_is_in_the_catalog_reference_and_no_other() {
    let schema: Value = serde_json::from_str(&read("docs/catalog.schema.json")).expect("JSON");
    let text = read("docs/catalog.md");
    for shape in keys::ALL {
        let properties = schema["$defs"][shape.name]["properties"].as_object().expect("an object");
        let mut known: Vec<&str> = properties.keys().map(String::as_str).collect();
        let (_, rest) = text
            .split_once(&format!(" (`{}`)\n", shape.name))
            .unwrap_or_else(|| panic!("docs/catalog.md has no section for `{}`", shape.name));
        let section = rest.split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let mut told: Vec<&str> = rows.map(|row| row[3..].split('`').next().unwrap_or_default()).collect();
        known.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, known, "docs/catalog.md: the keys of `{}`", shape.name);
    }
}

#[test]
fn every_catalog_that_the_documents_show_is_one() {
    let mut seen = 0;
    for page in pages() {
        let text = read(&page.display().to_string());
        for block in blocks(&text, "yaml") {
            Catalog::parse(block).unwrap_or_else(|problems| panic!("{}: {block}\n{problems}", page.display()));
            seen += 1;
        }
    }
    assert!(seen >= 6, "only {seen} catalogs are shown");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut problems = Vec::new();
    for page in pages() {
        let text = read(&page.display().to_string());
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap_or_default()) {
            if link.contains("://") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let folder = page.parent().expect("a page is in a folder");
            let target = if file.is_empty() { page.clone() } else { folder.join(file) };
            if !project().join(&target).exists() {
                problems.push(format!("{}: {link}: there is no {}", page.display(), target.display()));
            } else if !fragment.is_empty() && !anchors(&read(&target.display().to_string())).contains(&fragment.into())
            {
                problems.push(format!("{}: {link}: there is no such title", page.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_index_leads_to_every_document() {
    let index = read("docs/README.md");
    for page in pages() {
        let Ok(name) = page.strip_prefix("docs") else { continue };
        if name != Path::new("README.md") && !name.starts_with("decisions") {
            assert!(
                index.contains(&format!("]({})", name.display())),
                "docs/README.md does not lead to {}",
                name.display()
            );
        }
    }
    assert!(read("README.md").contains("](docs/README.md)"), "the README leads to the index");
}
