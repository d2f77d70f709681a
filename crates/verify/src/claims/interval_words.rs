//! What is shown of an interval, in sentences.

use crate::fault::quoted;
use crate::hash::hex;
use crate::leaf::After;
use crate::report::{Beginning, Interval, PopulationSeen, SealSeen};
use crate::say::{count, moment, share, span};
use crate::state::Status;

/// More changes than this are counted and not told one by one.
const TOLD_MAX: usize = 100;

pub(crate) fn say(
    of: &Interval,
    control: &str,
    from: u64,
    to: u64,
    proved: &mut Vec<String>,
    not_proved: &mut Vec<String>,
) {
    let whole = to - from;
    proved.push(format!(
        "The status of control `{control}` from {} to {}, by this log:",
        moment(from),
        moment(to)
    ));
    for segment in of.segments.iter().take(TOLD_MAX) {
        let (status, length) = (name(segment.status), segment.to - segment.from);
        proved.push(if segment.from == segment.to && from != to {
            format!("{status} at {}, replaced at once by what follows.", moment(segment.from))
        } else {
            format!(
                "{status} from {} to {} ({}, {}).",
                moment(segment.from),
                moment(segment.to),
                span(length),
                share(length, whole)
            )
        });
    }
    if let Some(more) = of.segments.len().checked_sub(TOLD_MAX).filter(|more| *more > 0) {
        proved.push(format!("And {more} more, which are not listed here."));
    }
    let shares: Vec<String> = of
        .shares
        .iter()
        .map(|one| format!("{} {} ({})", name(one.status), share(one.micros, whole), span(one.micros)))
        .collect();
    proved.push(format!("In all: {}.", shares.join(", ")));
    proved.push(complete(of));
    proved.extend(linked(of));
    proved.extend(of.opened.as_ref().map(began));
    since(of, whole, proved);
    let last = moment(of.last.at);
    for population in &of.populations_first {
        if let Some(first) = &of.first {
            proved.push(rested(first, population));
        }
    }
    if of.first != Some(of.last) {
        proved.extend(of.populations_last.iter().map(|population| rested(&of.last, population)));
    }
    for program in &of.programs {
        let called = program.name.as_ref().map_or_else(String::new, |name| format!(" {}", quoted(name)));
        proved.push(format!("The program{called} {} was in force.", hex(&program.hash)));
    }
    not_proved.push("That the sources told the truth about the systems that they watch.".to_owned());
    not_proved.push("Anything about a resource that no source enumerated.".to_owned());
    not_proved.push(format!("Anything after seal {} of {last}, and what became known only then.", of.last.n));
    not_proved.push(
        "How often the sources promised to look: the owner set the period that silence is measured by."
            .to_owned(),
    );
    not_proved.push("That the log holds no second chain of transitions of this control, beside the one that is shown: whoever reads the whole log sees it.".to_owned());
    if of.linked > 0 {
        not_proved.push("That each transition that is shown by its hash stands in the log itself: whoever reads the whole log sees if one cites another that does not.".to_owned());
    }
    if of.first.is_none() {
        not_proved.push(match of.opened {
            Some(_) => "That the control did not exist before its first transition: it may have had another name.".to_owned(),
            None => "That the control did not exist before its first transition: it may have had another name, or the log may have begun later.".to_owned(),
        });
    }
}

fn name(status: Option<Status>) -> &'static str {
    match status {
        None => "was not in the log",
        Some(Status::NotApplicable) => "not applicable",
        Some(status) => status.as_str(),
    }
}

fn began(opened: &Beginning) -> String {
    let at = moment(opened.at);
    match &opened.after {
        None => format!("The log began at {at}."),
        Some(After { origin, size, root }) => {
            let size = if *size == 1 { "1 leaf".to_owned() } else { format!("{size} leaves") };
            let (origin, root) = (quoted(origin), hex(root));
            format!("The log began at {at}, and follows the log {origin} of {size} with the root {root}.")
        }
    }
}

fn complete(of: &Interval) -> String {
    let chain = match of.transitions {
        None => "it has no transition".to_owned(),
        Some((first, last)) if first == last => format!("it has transition {first} alone"),
        Some((first, last)) => format!("it has the transitions {first} to {last} without a gap"),
    };
    let (n, at) = (of.last.n, moment(of.last.at));
    match &of.first {
        Some(first) => {
            let (seal, from) = (first.n, moment(first.at));
            format!(
                "Nothing was left out of the control's chain: from seal {seal} of {from} to seal {n} of {at} {chain}, and both seals agree with it."
            )
        }
        None => format!(
            "Nothing was left out of the control's chain: from its beginning to seal {n} of {at} {chain}, and the seal agrees with it."
        ),
    }
}

/// Transitions that are not shown in the log themselves.
fn linked(of: &Interval) -> Option<String> {
    let (_, last) = of.transitions.filter(|_| of.linked > 0)?;
    let them = if of.linked == 1 { "One of them is" } else { &format!("{} of them are", of.linked) };
    Some(format!(
        "{them} shown by the hash that the transition after it cites; transition {last}, the last, stands in the log."
    ))
}

/// How often the control was evaluated, and for how long not.
fn since(of: &Interval, whole: u64, proved: &mut Vec<String>) {
    let begin = of.first.map_or_else(|| "its beginning".to_owned(), |first| format!("seal {}", first.n));
    proved.push(format!(
        "It was evaluated {} from {begin} to seal {}.",
        count(of.evaluations, "time"),
        of.last.n
    ));
    if of.silent == 0 {
        proved.push(
            "At no time in between was an evaluation missing for longer than its sources promise.".to_owned(),
        );
    } else {
        proved.push(format!(
            "For {} in between, an evaluation was missing for longer than its sources promise: that time is unknown, whatever status stood.",
            span(of.silent)
        ));
        for one in of.shares.iter().filter(|one| one.status == Some(Status::Pass)) {
            proved.push(format!(
                "Shown to pass is therefore at least {} ({}).",
                share(one.at_least, whole),
                span(one.at_least)
            ));
        }
    }
    proved.push(if of.every_seal {
        format!("The longest time between two evaluations was {}.", span(of.gap))
    } else {
        format!("The longest time between two evaluations was {} by the seals that are shown; of the days between them only the sum of silence is.", span(of.gap))
    });
    if let Some(lag) = of.lag {
        proved.push(format!("The longest time from a change to its record in the log was {}.", span(lag)));
    }
}

fn rested(seal: &SealSeen, population: &PopulationSeen) -> String {
    let PopulationSeen { kind, count: n, complete, enumerated } = population;
    let known = match enumerated {
        Some(at) if *complete => format!("enumerated completely at {}", moment(*at)),
        Some(at) => {
            format!("not known to be all: the last enumeration, at {}, is incomplete or too old", moment(*at))
        }
        None => "not known to be all: they were never enumerated".to_owned(),
    };
    format!("Seal {} rests on {} of kind `{kind}`, {known}.", seal.n, count(*n, "resource"))
}
