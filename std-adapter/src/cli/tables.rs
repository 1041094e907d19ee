//! `callflow tables`: every rule, where it stands, and how sure it is.

use std::fmt::Write as _;
use std::process::ExitCode;

use callflow_core::action::Action;
use callflow_core::certainty::Certainty;
use callflow_core::classification::{Kind, NoTarget, Reason, change_rows, creation_rows};
use callflow_core::deadline::Timer;
use callflow_core::lifecycle::{
    ActionRow, Effect, Leave, NewsRow, State, States, Why, action_rows, news_rows,
};
use callflow_core::limit::Limit;
use callflow_core::permission::{self, MediaNote, Permission, Requirement};
use callflow_core::restriction::{self, Restriction};
use callflow_core::result::explained;
use callflow_core::time::Span;
use clap::ValueEnum;
use serde_json::{Value, json};

use super::{Failure, print, standing};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Which table [default: every one]
    #[arg(value_enum)]
    table: Option<Table>,
    /// Print one JSON array a table, one a line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Table {
    /// In which states actions are for a call, and what news does
    Lifecycle,
    /// When a call is peer-to-peer and when a group
    Classification,
    /// For which calls actions are
    Restrictions,
    /// Which permissions actions need
    Permissions,
    /// How many and how long
    Limits,
    /// Which spans decide deadlines
    Timers,
    /// What the codes mean with which calls and operations end
    Results,
}

/// A rule, for people and for programs.
struct Rule {
    words: String,
    json: Value,
    certainty: Certainty,
    source: &'static str,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let tables = args.table.as_ref().map_or(Table::value_variants(), std::slice::from_ref);
    let mut text = String::new();
    for table in tables {
        let name = table.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        if args.json {
            let rules = rules(*table).into_iter().map(|rule| in_json(&name, rule)).collect();
            writeln!(text, "{}", Value::Array(rules))?;
            continue;
        }
        writeln!(text, "{name}")?;
        for rule in rules(*table) {
            writeln!(text, "  {}", rule.words)?;
            writeln!(text, "      {}", standing(rule.certainty, rule.source))?;
        }
    }
    print(&text)
}

fn in_json(table: &str, rule: Rule) -> Value {
    let mut json = json!({ "table": table });
    if let (Value::Object(all), Value::Object(more)) = (&mut json, rule.json) {
        all.extend(more);
        all.insert("certainty".to_owned(), json!(rule.certainty.name()));
        all.insert("source".to_owned(), json!(rule.source));
    }
    json
}

fn rules(table: Table) -> Vec<Rule> {
    match table {
        Table::Lifecycle => action_rows().map(of_actions).chain(news_rows().map(of_news)).collect(),
        Table::Classification => of_classification(),
        Table::Restrictions => Restriction::ALL.iter().copied().map(of_restriction).collect(),
        Table::Permissions => permission::rows().map(of_permissions).collect(),
        Table::Limits => Limit::ALL.iter().copied().map(of_limit).collect(),
        Table::Timers => Timer::ALL.iter().copied().map(of_timer).collect(),
        Table::Results => of_results(),
    }
}

fn of_actions(row: ActionRow) -> Rule {
    let ActionRow { states, actions, leave, certainty, source, .. } = row;
    let actions: Vec<_> = actions.iter().map(Action::name).collect();
    let (word, why) = match leave {
        Leave::Allow => ("allow", None),
        Leave::Advise => ("advise", None),
        Leave::IfAnswered(why) => ("if_answered", Some(why)),
        Leave::IfInferred(why) => ("if_inferred", Some(why)),
        Leave::Refuse(why) => ("refuse", Some(why)),
    };
    Rule {
        words: format!("{} {}: {leave}", actions.join(", "), in_states(states)),
        json: json!({
            "actions": actions,
            "states": names(states),
            "leave": word,
            "why": why.map(Why::name),
        }),
        certainty,
        source,
    }
}

fn of_news(row: NewsRow) -> Rule {
    let NewsRow { states, news, effect, certainty, source, .. } = row;
    let word = match effect {
        Effect::To(_) => "to",
        Effect::AsAsked(_) => "as_asked",
        Effect::Adopt(_) => "adopt",
        Effect::Same => "same",
        Effect::Stale => "stale",
        Effect::Unexplained => "unexplained",
    };
    Rule {
        words: format!("told {news} {}: {effect}", in_states(states)),
        json: json!({
            "news": news.name(),
            "states": names(states),
            "effect": word,
            "to": effect.to().map(State::name),
        }),
        certainty,
        source,
    }
}

fn names(states: States) -> Vec<&'static str> {
    states.iter().map(State::name).collect()
}

/// The states in words: where they are most of all, those that are missing.
fn in_states(states: States) -> String {
    let others: Vec<_> =
        State::ALL.iter().filter(|state| !states.has(**state)).map(|state| state.name()).collect();
    match others.len() {
        0 => "in any state".to_owned(),
        1 | 2 => format!("in any state but {}", others.join(" and ")),
        _ => format!("in {}", names(states).join(", ")),
    }
}

fn of_classification() -> Vec<Rule> {
    let creations = creation_rows().map(|row| {
        let kind = row.reason.map(Reason::kind);
        Rule {
            words: kind.map_or_else(
                || format!("{}: refused, {NoTarget}", row.created),
                |kind| format!("{}: {kind}", row.created),
            ),
            json: json!({
                "created": row.created.name(),
                "kind": kind.map(Kind::name),
                "why": row.reason.map(Reason::name),
            }),
            certainty: row.certainty,
            source: row.source,
        }
    });
    let changes = change_rows().map(|row| {
        let ((was, hosted), (is, hosting)) = (row.from, row.to);
        Rule {
            words: format!("{was}, {hosted}; seen {}: {is}, {hosting}", row.seen),
            json: json!({
                "from": { "kind": was.name(), "hosting": hosted.name() },
                "seen": row.seen.name(),
                "to": { "kind": is.name(), "hosting": hosting.name() },
            }),
            certainty: row.certainty,
            source: row.source,
        }
    });
    creations.chain(changes).collect()
}

fn of_restriction(restriction: Restriction) -> Rule {
    let rows = || restriction::rows().filter(|row| row.restrictions.has(restriction));
    let actions: Vec<_> = rows().map(|row| row.action.name()).collect();
    let whose =
        if actions.is_empty() { "what the lifecycle advises on".to_owned() } else { actions.join(", ") };
    let verdict = match restriction.certainty() {
        Certainty::Documented => "refused",
        Certainty::Captured | Certainty::Assumed => "advised against",
    };
    Rule {
        words: format!("{restriction} ({whose}), {verdict}: {}", restriction.words()),
        json: json!({
            "restriction": restriction.name(),
            "actions": rows()
                .map(|row| json!({ "action": row.action.name(), "source": row.source }))
                .collect::<Vec<_>>(),
            "verdict": if verdict == "refused" { "refuse" } else { "advise" },
            "words": restriction.words(),
        }),
        certainty: restriction.certainty(),
        source: restriction.source(),
    }
}

fn of_permissions(row: permission::Row) -> Rule {
    let is_media = row.media == MediaNote::IfAppHosted;
    let media = if is_media { format!("; {}", row.media) } else { String::new() };
    Rule {
        words: format!("{}: p2p: {}; group: {}{media} ({})", row.action, row.p2p, row.group, row.gate),
        json: json!({
            "action": row.action.name(),
            "p2p": of_requirement(row.p2p),
            "group": of_requirement(row.group),
            "if_app_hosted": if is_media { json!([Permission::AccessMediaAll.name()]) } else { json!([]) },
            "gate": row.gate.name(),
        }),
        certainty: row.certainty,
        source: row.source,
    }
}

fn of_requirement(requirement: Requirement) -> Value {
    match requirement {
        Requirement::Nothing => json!("nothing"),
        Requirement::NotSupported => json!("not_supported"),
        Requirement::Needs(needs) => {
            let [any_of, all_of] = [needs.any_of(), needs.all_of()]
                .map(|set| set.iter().map(Permission::name).collect::<Vec<_>>());
            json!({ "any_of": any_of, "all_of": all_of })
        }
    }
}

fn of_limit(limit: Limit) -> Rule {
    let (least, most) = limit.range();
    let most = (most < u16::MAX).then_some(most);
    let range = most.map_or_else(|| format!("{least} or more"), |most| format!("{least}…{most}"));
    Rule {
        words: format!("{range} {limit}"),
        json: json!({
            "limit": format!("{limit:?}"),
            "least": least,
            "most": most,
            "words": limit.name(),
        }),
        certainty: limit.certainty(),
        source: limit.source(),
    }
}

fn of_timer(timer: Timer) -> Rule {
    let (least, most) = timer.range();
    let [span, least, most] = [timer.default_span(), least, most].map(Span::as_millis);
    let [in_words, from, to] = [span, least, most].map(in_seconds);
    Rule {
        words: format!("{timer}: {in_words} s ({from}…{to} s can be set)"),
        json: json!({ "timer": timer.name(), "default_ms": span, "least_ms": least, "most_ms": most }),
        certainty: timer.certainty(),
        source: timer.source(),
    }
}

/// Seconds, with the tenths that timers are kept in.
fn in_seconds(millis: u64) -> String {
    match (millis / 1000, millis % 1000 / 100) {
        (seconds, 0) => seconds.to_string(),
        (seconds, tenths) => format!("{seconds}.{tenths}"),
    }
}

fn of_results() -> Vec<Rule> {
    explained()
        .map(|row| {
            let (code, subcode) = (row.pair.code, row.pair.subcode);
            let way_out = row.way_out.map(|way_out| format!("; {way_out}")).unwrap_or_default();
            Rule {
                words: format!("{code}/{subcode}: {}{way_out}", row.words),
                json: json!({
                    "code": code,
                    "subcode": subcode,
                    "words": row.words,
                    "by": row.by.name(),
                    "way_out": row.way_out,
                }),
                certainty: row.certainty,
                source: row.source,
            }
        })
        .collect()
}
