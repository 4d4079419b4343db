//! `docs/api.md`, made from the comments of the proto. Stale, the test fails; with `STIPEND_WRITE_DOCS=1` it writes it anew.

use std::{collections::HashMap, env, fmt::Write as _, fs};

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

const PAGE: &str = "docs/api.md";
const HOW: &str = "STIPEND_WRITE_DOCS=1 cargo test --test it the_api_reference";

// Numbers of the fields of descriptors, as paths of source locations count them.
const MESSAGE: i32 = 4;
const ENUM: i32 = 5;
const SERVICE: i32 = 6;
const SYNTAX: i32 = 12;
const FIELD: i32 = 2;
const NESTED: i32 = 3;
const NESTED_ENUM: i32 = 4;

const FITS: &str = "a string takes any text";

/// A place in a list, as paths of source locations have it.
fn number(index: usize) -> i32 {
    i32::try_from(index).expect("descriptors are small")
}

/// The comments of a file, by the path of what they stand above.
struct Comments(HashMap<Vec<i32>, String>);

impl Comments {
    fn of(file: &FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let comment = |text: &str| {
            let lines: Vec<&str> = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
            lines.join("\n").trim_end().to_owned()
        };
        let above = locations
            .filter_map(|location| Some((location.path.clone(), comment(location.leading_comments.as_deref()?))));
        Self(above.collect())
    }

    fn at(&self, path: &[i32]) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    /// On one line, for a cell of a table.
    fn cell(&self, path: &[i32]) -> String {
        self.at(path).replace('\n', " ").replace('|', "\\|")
    }
}

/// Text with its indented parts set apart.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut fenced = false;
    for line in text.lines() {
        let indented = line.starts_with("  ");
        if indented != fenced {
            out += if indented { "\n```text\n" } else { "```\n" };
            fenced = indented;
        }
        out += line.strip_prefix("  ").unwrap_or(line);
        out.push('\n');
    }
    if fenced {
        out += "```\n";
    }
    out
}

fn link(name: &str) -> String {
    match name.strip_prefix(".stipend.v1.") {
        Some(ours) => {
            let title = ours.replace('.', "");
            format!("[{}](#{})", ours, title.to_lowercase())
        }
        None => name.rsplit('.').next().unwrap_or(name).to_owned(),
    }
}

fn kind(field: &FieldDescriptorProto, message: &DescriptorProto) -> String {
    let name = match field.r#type() {
        Type::Message | Type::Enum => {
            let entry =
                message.nested_type.iter().find(|nested| field.type_name().ends_with(&format!(".{}", nested.name())));
            if let Some(entry) =
                entry.filter(|nested| nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry))
            {
                return format!("map of {} to {}", kind(&entry.field[0], entry), kind(&entry.field[1], entry));
            }
            link(field.type_name())
        }
        other => other.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    };
    match field.label() {
        Label::Repeated => format!("repeated {name}"),
        Label::Optional if field.proto3_optional() => format!("optional {name}"),
        Label::Optional | Label::Required => name,
    }
}

fn message(out: &mut String, message: &DescriptorProto, outer: &str, path: &[i32], comments: &Comments) {
    let name = format!("{outer}{}", message.name());
    writeln!(out, "\n### {name}\n").expect(FITS);
    if !comments.at(path).is_empty() {
        writeln!(out, "{}\n", comments.at(path)).expect(FITS);
    }
    if message.field.is_empty() {
        out.push_str("No fields.\n");
    } else {
        out.push_str("| field | type | |\n| --- | --- | --- |\n");
    }
    for (index, field) in message.field.iter().enumerate() {
        let path = [path, &[FIELD, number(index)]].concat();
        let choice = match field.oneof_index {
            Some(choice) if !field.proto3_optional() => {
                format!("One of `{}`. ", message.oneof_decl[usize::try_from(choice).expect("an index")].name())
            }
            Some(_) | None => String::new(),
        };
        let said = format!("{choice}{}", comments.cell(&path));
        writeln!(out, "| `{}` | {} | {} |", field.name(), kind(field, message), said.trim()).expect(FITS);
    }
    for (index, nested) in message.enum_type.iter().enumerate() {
        let path = [path, &[NESTED_ENUM, number(index)]].concat();
        enumeration(out, nested, &name, &path, comments);
    }
    for (index, nested) in message.nested_type.iter().enumerate() {
        if nested.options.as_ref().is_none_or(|options| !options.map_entry()) {
            let path = [path, &[NESTED, number(index)]].concat();
            self::message(out, nested, &format!("{name}."), &path, comments);
        }
    }
}

fn enumeration(out: &mut String, this: &EnumDescriptorProto, outer: &str, path: &[i32], comments: &Comments) {
    let dot = if outer.is_empty() { "" } else { "." };
    writeln!(out, "\n### {outer}{dot}{}\n", this.name()).expect(FITS);
    if !comments.at(path).is_empty() {
        writeln!(out, "{}\n", comments.at(path)).expect(FITS);
    }
    out.push_str("| value | |\n| --- | --- |\n");
    for (index, value) in this.value.iter().enumerate() {
        let path = [path, &[FIELD, number(index)]].concat();
        writeln!(out, "| `{}` | {} |", value.name(), comments.cell(&path)).expect(FITS);
    }
}

fn service(out: &mut String, file: &FileDescriptorProto, comments: &Comments) {
    for (index, service) in file.service.iter().enumerate() {
        let path = [SERVICE, number(index)];
        writeln!(out, "\n## {}\n", service.name()).expect(FITS);
        if !comments.at(&path).is_empty() {
            writeln!(out, "{}\n", comments.at(&path)).expect(FITS);
        }
        out.push_str("| method | takes | answers | |\n| --- | --- | --- | --- |\n");
        for (index, method) in service.method.iter().enumerate() {
            let path = [&path[..], &[FIELD, number(index)]].concat();
            let stream = |streams: bool| if streams { "stream of " } else { "" };
            writeln!(
                out,
                "| `{}` | {}{} | {}{} | {} |",
                method.name(),
                stream(method.client_streaming()),
                link(method.input_type()),
                stream(method.server_streaming()),
                link(method.output_type()),
                comments.cell(&path)
            )
            .expect(FITS);
        }
    }
}

/// The whole page.
fn page() -> String {
    let set = FileDescriptorSet::decode(stipend::proto::DESCRIPTORS).expect("the build encoded them");
    let ours: Vec<(&FileDescriptorProto, Comments)> = ["quota", "account", "usage", "catalog", "maintenance", "event"]
        .iter()
        .map(|name| {
            let name = format!("stipend/v1/{name}.proto");
            let file = set.file.iter().find(|file| file.name() == name).expect("the build compiled it");
            (file, Comments::of(file))
        })
        .collect();
    assert_eq!(set.file.iter().filter(|file| file.package() == "stipend.v1").count(), ours.len(), "every file is told");

    let mut out = format!(
        "# API reference\n\n<!-- Made from proto/stipend/v1. Change the comments there, then run:\n     {HOW} -->\n\n"
    );
    out += &prose(ours[0].1.at(&[SYNTAX]));
    out += "\nSee also: [every error and what to do](errors.md), [the rules](rules.md).\n";
    for (file, comments) in &ours {
        service(&mut out, file, comments);
    }
    for (file, comments) in &ours {
        let title = file.name().rsplit('/').next().unwrap_or_default();
        writeln!(out, "\n## Messages of {title}").expect(FITS);
        if title != "quota.proto" {
            writeln!(out, "\n{}", comments.at(&[SYNTAX])).expect(FITS);
        }
        for (index, this) in file.message_type.iter().enumerate() {
            message(&mut out, this, "", &[MESSAGE, number(index)], comments);
        }
        for (index, this) in file.enum_type.iter().enumerate() {
            enumeration(&mut out, this, "", &[ENUM, number(index)], comments);
        }
    }
    out
}

#[test]
fn the_api_reference_is_what_the_proto_says() {
    let made = page();
    if env::var_os("STIPEND_WRITE_DOCS").is_some() {
        fs::write(super::project().join(PAGE), &made).expect("the page can be written");
    }
    let kept = fs::read_to_string(super::project().join(PAGE)).unwrap_or_default();
    assert!(made == kept, "{PAGE} is stale; write it anew: {HOW}");
}

#[test]
fn everything_in_the_api_has_a_comment_where_its_name_does_not_say_it_all() {
    // A method without a word is told by its name: Get and Delete.
    let made = page();
    for name in ["Reserve", "Commit", "Release", "Extend", "Charge", "Pipeline", "PutAccount", "Refund", "Quote"] {
        let row = made.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).expect("a row");
        assert!(!row.ends_with("|  |"), "{row}");
    }
}
