//! The history of a control or test as a strip, made of its changes.

use maud::{Markup, html};
use octro_engine::ChangeView;
use octro_model::{Status, Timestamp};
use octro_web::Moment;
use octro_web::ui::{self, Stretch};

use crate::load::STRIP;

/// Changes, newest first, as stretches from the oldest on; `current` is the status after the last.
pub(super) fn stretches(
    changes: &[ChangeView],
    current: Option<Status>,
    from: Timestamp,
    to: Timestamp,
) -> Vec<Stretch> {
    let mut all = Vec::with_capacity(changes.len() + 1);
    let mut end = to;
    for change in changes {
        all.push(Stretch { from: change.at, to: end, status: change.to });
        end = change.at;
    }
    let before = changes.last().map_or(current, |oldest| oldest.from);
    all.push(Stretch { from, to: end, status: before });
    all.reverse();
    all
}

/// The last 90 days of a control or test.
pub(super) fn section(
    moment: &Moment,
    subject: &str,
    id: &str,
    changes: &[ChangeView],
    current: Status,
) -> Markup {
    let (from, to) = (moment.at.minus(STRIP), moment.at);
    let all = stretches(changes, Some(current), from, to);
    let period = moment.link("/period", &[("subject", subject), ("id", id)]);
    ui::section(
        "history",
        "The last 90 days",
        &html! {
            (ui::strip(&format!("{id}, the last 90 days"), &all, from, to))
            div.under {
                a href=(period) { "Any period, with repairs and shares" }
            }
            @if !changes.is_empty() {
                details {
                    summary { (changes.len()) @if changes.len() == 1 { " change" } @else { " changes" } }
                    (table(moment, changes))
                }
            } @else { p.muted { "No change in this time." } }
        },
    )
}

fn table(moment: &Moment, changes: &[ChangeView]) -> Markup {
    html! {
        table {
            caption.vh { "Changes" }
            thead { tr { th scope="col" { "When" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Why" } } }
            tbody {
                @for change in changes.iter().take(100) {
                    tr {
                        td { (ui::time(change.at, moment.now)) }
                        td { (ui::word(change.from)) }
                        td { (ui::word(change.to)) }
                        td { (change.reason) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_become_stretches() {
        let at = Timestamp::from_secs;
        let change = |at, from, to| ChangeView {
            subject: "control".to_owned(),
            id: "X".to_owned(),
            at,
            from,
            to,
            reason: String::new(),
        };
        let changes = [
            change(at(80), Some(Status::Fail), Some(Status::Pass)),
            change(at(50), Some(Status::Pass), Some(Status::Fail)),
        ];
        let all = stretches(&changes, Some(Status::Pass), at(0), at(100));
        let told: Vec<_> = all.iter().map(|one| (one.from.secs(), one.to.secs(), one.status)).collect();
        assert_eq!(
            told,
            [(0, 50, Some(Status::Pass)), (50, 80, Some(Status::Fail)), (80, 100, Some(Status::Pass)),]
        );
        let quiet = stretches(&[], Some(Status::Unknown), at(0), at(9));
        assert_eq!(quiet, [Stretch { from: at(0), to: at(9), status: Some(Status::Unknown) }]);
    }
}
