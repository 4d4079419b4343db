//! The JSON Schema for editors says what the parser says, as far as a schema can.

use serde_json::{Map, Value};

use crate::catalog::{
    BUILTIN, Catalog, keys,
    problem::Found,
    yaml::{self, Data, Node},
};

use super::{bad::MISTAKES, examples::EXAMPLES, good::FULL};

const SCHEMA: &str = include_str!("../../../docs/catalog.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// YAML as an editor sees it: plain scalars by the core schema.
fn json(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::Null,
        Data::Scalar { text, plain: false } => Value::String(text.to_string()),
        Data::Scalar { text, plain: true } => match &**text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(number), _) => number.into(),
                (_, Ok(number)) if text.contains(|digit: char| digit.is_ascii_digit()) => number.into(),
                _ => Value::String(text.to_owned()),
            },
        },
        Data::List(list) => list.iter().map(json).collect(),
        Data::Map(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.text.to_string(), json(value))).collect::<Map<_, _>>())
        }
    }
}

fn as_json(text: &str) -> Value {
    let mut found = Found::default();
    json(&yaml::read(text, &mut found).unwrap())
}

#[test]
fn the_catalogs_of_the_project_satisfy_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (name, text) in EXAMPLES.into_iter().chain([("builtin", BUILTIN), ("full", FULL)]) {
        let errors: Vec<String> =
            validator.iter_errors(&as_json(text)).map(|error| format!("{} {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn what_a_schema_can_refuse_it_refuses_as_the_parser_does() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for mistake in MISTAKES {
        let text = mistake.text();
        assert!(Catalog::parse(&text).is_err());
        assert_eq!(!validator.is_valid(&as_json(&text)), mistake.schema, "{}", mistake.told);
    }
}

#[test]
fn the_schema_has_the_keys_that_the_parser_knows_and_no_others() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    for shape in keys::ALL {
        let definition = &definitions[shape.name];
        let mut told: Vec<&str> = definition["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = shape.keys.to_vec();
        told.sort_unstable();
        known.sort_unstable();
        assert_eq!(told, known, "{}", shape.name);
        assert_eq!(definition["additionalProperties"], Value::Bool(false), "{}", shape.name);
    }
    let closed = definitions.iter().filter(|(_, definition)| definition["additionalProperties"] == Value::Bool(false));
    assert_eq!(closed.count(), keys::ALL.len(), "the schema knows a mapping that the parser does not");
}

#[test]
fn every_key_is_used_by_the_full_catalog() {
    // A key that no test writes could be known and yet read by nobody.
    for key in keys::ALL.iter().flat_map(|shape| shape.keys) {
        assert!(FULL.contains(&format!("{key}:")), "{key}");
    }
}
