//! The generated reference: commands, settings, kinds and the API, written from the code so that it cannot drift.

use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory as _;
use octro_model::{Attribute, Type};
use octro_program::Files;

use crate::cli::Options;
use crate::exit::Exit;

pub fn run(dir: &Path) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("commands.md"), commands())?;
    std::fs::write(dir.join("settings.md"), settings())?;
    std::fs::write(dir.join("kinds.md"), kinds()?)?;
    let api = serde_json::to_string_pretty(&octro_posture::openapi())?;
    std::fs::write(dir.join("openapi.json"), api + "\n")?;
    Ok(Exit::Done)
}

const GENERATED: &str = "<!-- Written by `cargo xtask docs`; do not edit. -->\n";

// Writing to a string cannot fail, so what `write!` answers is let go throughout.

fn commands() -> String {
    let mut out = format!("{GENERATED}# Commands\n\n");
    let mut command = Options::command();
    command.build();
    let _ = writeln!(out, "{}\n", command.get_about().map(ToString::to_string).unwrap_or_default());
    let _ = writeln!(
        out,
        "```text\n{}\n```\n",
        command.get_after_help().map(ToString::to_string).unwrap_or_default()
    );
    let _ = writeln!(out, "## Options of every command\n");
    for option in command.get_arguments().filter(|option| option.is_global_set()) {
        argument(&mut out, option);
    }
    for sub in command.get_subcommands() {
        one(&mut out, sub, "octro");
    }
    out
}

fn one(out: &mut String, command: &clap::Command, above: &str) {
    if command.is_hide_set() {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    let _ = writeln!(
        out,
        "\n## `{name}`\n\n{}\n",
        command.get_about().map(ToString::to_string).unwrap_or_default()
    );
    for argument_of in command.get_arguments().filter(|one| !one.is_global_set() && one.get_id() != "help") {
        argument(out, argument_of);
    }
    for sub in command.get_subcommands() {
        one(out, sub, &name);
    }
}

fn argument(out: &mut String, of: &clap::Arg) {
    let value =
        of.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let takes = of.get_action().takes_values();
    let name = match (of.get_long(), of.get_short()) {
        (Some(long), Some(short)) if takes => format!("-{short}, --{long} <{value}>"),
        (Some(long), Some(short)) => format!("-{short}, --{long}"),
        (Some(long), None) if takes => format!("--{long} <{value}>"),
        (Some(long), None) => format!("--{long}"),
        _ => format!("<{value}>"),
    };
    let mut notes = Vec::new();
    let words: Vec<String> = of.get_possible_values().iter().map(|word| word.get_name().to_owned()).collect();
    if takes && !words.is_empty() {
        notes.push(format!("one of {}", words.join(", ")));
    }
    let defaults: Vec<String> =
        of.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if takes && !defaults.is_empty() {
        notes.push(format!("default {}", defaults.join(", ")));
    }
    if let Some(variable) = of.get_env() {
        notes.push(format!("environment {}", variable.to_string_lossy()));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    let _ =
        writeln!(out, "- `{name}`: {}{notes}", of.get_help().map(ToString::to_string).unwrap_or_default());
}

fn settings() -> String {
    let mut out = format!(
        "{GENERATED}# Settings\n\nThe settings stand in `octro.toml`, in the folder where Octro is started.\n\n"
    );
    out.push_str("| setting | form | default | what it does |\n| --- | --- | --- | --- |\n");
    for setting in octro_server::config::SETTINGS {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            setting.name,
            setting.form,
            setting.default,
            setting.doc.replace('|', "\\|")
        );
    }
    out.push_str("\n# Connectors\n\nEach source is a `[[source]]` table with `id`, `type`, `every`, `timeout` and its connector's settings.\n");
    for connector in octro_connectors::ALL {
        let _ = writeln!(out, "\n## {}\n\n{}\n", connector.name(), connector.summary());
        out.push_str("| setting | form | required | what it does |\n| --- | --- | --- | --- |\n");
        for setting in connector.settings() {
            let required = if setting.required { "yes" } else { "no" };
            let _ = writeln!(
                out,
                "| `{}` | {} | {required} | {} |",
                setting.name,
                setting.form,
                setting.doc.replace('|', "\\|")
            );
        }
    }
    out
}

fn kinds() -> anyhow::Result<String> {
    let program = super::program::load(&Files::embedded())?;
    let mut out = format!(
        "{GENERATED}# Kinds of resources\n\nAs the built-in program declares them. Any attribute may be absent or unknown.\n"
    );
    for kind in program.kinds.iter().map(|layout| layout.kind()) {
        let _ = writeln!(out, "\n## {}\n\n{} (revision {}). {}\n", kind.id, kind.title, kind.rev, kind.doc);
        out.push_str("| attribute | type | what it says |\n| --- | --- | --- |\n");
        for (name, attribute) in &kind.attributes {
            attributes(&mut out, name, attribute);
        }
    }
    Ok(out)
}

fn attributes(out: &mut String, name: &str, attribute: &Attribute) {
    let unit = attribute.unit.as_ref().map_or_else(String::new, |unit| format!(", {unit}"));
    let to = attribute.references.as_ref().map_or_else(String::new, |kind| format!(", names a `{kind}`"));
    let doc = attribute.doc.replace('|', "\\|").replace('\n', " ");
    let _ = writeln!(out, "| `{name}` | {}{unit}{to} | {doc} |", attribute.of);
    let (inner, form) = match &attribute.of {
        Type::Object(fields) => (Some(fields), "."),
        Type::List(of) | Type::Map(of) => match of.as_ref() {
            Type::Object(fields) => (Some(fields), "[]."),
            Type::Bool
            | Type::Int
            | Type::Float
            | Type::String
            | Type::Timestamp
            | Type::Duration
            | Type::List(_)
            | Type::Map(_) => (None, ""),
        },
        Type::Bool | Type::Int | Type::Float | Type::String | Type::Timestamp | Type::Duration => (None, ""),
    };
    for (field, attribute) in inner.into_iter().flatten() {
        attributes(out, &format!("{name}{form}{field}"), attribute);
    }
}
