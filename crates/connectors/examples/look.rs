//! Prints what a connector sees, one JSON object a line, and then how it went: for authors of connectors.
//! `cargo run -p octro-connectors --example look -- host '{"root": "/srv/copy"}'`

use std::error::Error;
use std::io::Write;

use octro_connectors::{ALL, Run};
use octro_model::{Clock, Id, Observation, Span, SystemClock};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "host".to_owned());
    let settings = serde_json::from_str(&arguments.next().unwrap_or_else(|| "{}".to_owned()))?;
    let connector = ALL.iter().find(|connector| connector.name() == name).ok_or_else(|| {
        let known: Vec<&str> = ALL.iter().map(|connector| connector.name()).collect();
        format!("there is no connector `{name}`; expected one of {}", known.join(", "))
    })?;
    let source = connector.open(&settings)?;
    let mut print = |batch: Vec<Observation>| {
        for observation in batch {
            let line = serde_json::to_string(&observation).unwrap_or_else(|error| error.to_string());
            if writeln!(std::io::stdout(), "{line}").is_err() {
                return Err(octro_connectors::Stopped);
            }
        }
        Ok(())
    };
    let clock = SystemClock;
    let deadline = clock.now().plus(Span::from_secs(600));
    let id: Id = name.parse()?;
    let mut run = Run::new(id, source.kinds(), &clock, deadline, &mut print);
    source.collect(&mut run);
    let collection = run.finish();
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&collection)?)?;
    Ok(())
}
