//! Reports of operations of the in-memory Outrigger: golden, sound as HTML, escaped, bounded.

use std::collections::BTreeSet;

use outrigger_engine::memory::cloud::{Fault, Habits};
use outrigger_engine::memory::world::World;
use outrigger_model::{CallRecord, Kind, Region, ResourceKey, StepState};
use outrigger_plan::{Action, Step};
use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::*;
use crate::plan_view::golden::reference;

const HOSTILE: &str = r#"<script>alert("1")</script>'"><img src=x onerror=alert(1)>&amp;{{7*7}}"#;

fn select<'a>(html: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}

fn text_of(html: &Html, selector: &str) -> String {
    let texts = select(html, selector)
        .into_iter()
        .map(|element| element.text().collect::<String>());
    texts.collect::<Vec<_>>().join("\n")
}

/// What must hold of every page: it is sound HTML that needs nothing else, its links and labels lead somewhere, and there
/// is a bar for every step that began.
fn parsed(page: &str, begun: usize) -> Html {
    assert_ne!(
        Html::parse_document("<!DOCTYPE html><p></div>").errors,
        Vec::<String>::new()
    );
    let html = Html::parse_document(page);
    assert_eq!(html.errors, Vec::<String>::new());
    let mut ids = BTreeSet::new();
    for element in select(&html, "[id]") {
        assert!(ids.insert(element.attr("id").unwrap()), "twice: {:?}", element.value());
    }
    for element in select(&html, "[href]") {
        let target = element.attr("href").unwrap();
        assert!(target.strip_prefix('#').is_some_and(|id| ids.contains(id)), "{target}");
    }
    for element in select(&html, "[aria-labelledby]") {
        assert!(ids.contains(element.attr("aria-labelledby").unwrap()));
    }
    for outside in [
        "script",
        "link",
        "img",
        "iframe",
        "[src]",
        "[onload]",
        "[onerror]",
        "[onclick]",
    ] {
        assert!(select(&html, outside).is_empty(), "{outside}");
    }
    assert!(!page.contains("@import") && !page.contains("http://") && !page.contains("https://"));
    assert_eq!(select(&html, "h1").len(), 1);
    assert_eq!(select(&html, ".timeline rect.bar").len(), begun);
    assert_eq!(select(&html, "table").len(), select(&html, "table > caption").len());
    html
}

/// A page as it is kept in a golden file: without its style, a line per element.
fn golden(page: &str) -> String {
    let lines = page
        .replacen(include_str!("page/page.css"), "", 1)
        .replace("><", ">\n<");
    let own = format!("outrigger {}", env!("CARGO_PKG_VERSION"));
    lines.replace(&own, "outrigger VERSION")
}

fn begun(picture: &Picture) -> usize {
    let ways = [Some(&picture.forward), picture.back.as_ref()];
    let rows = ways.into_iter().flatten().flat_map(|way| {
        let rows = steps::rows_of(way, Purpose::Change, 0).rows;
        rows.into_iter().filter(|row| row.times.is_some())
    });
    rows.count()
}

async fn picture_of(world: &World, operation: &str) -> Picture {
    let stack = world.state.stack_of(operation).await.unwrap().unwrap();
    Picture::read(&world.state, &stack, operation).await.unwrap().unwrap()
}

/// The page of an operation, which is sound.
async fn page(world: &World, operation: &str) -> (String, Html) {
    let picture = picture_of(world, operation).await;
    let stack = picture.record.stack.clone();
    let page = page_of(&world.state, &stack, operation).await.unwrap().unwrap();
    let html = parsed(&page, begun(&picture));
    assert!(is_of(operation, &page[..4096]));
    (page, html)
}

async fn run(world: &World, operation: &str, document: &Value) {
    let input = json!({"document": document, "reason": "more room", "by": "arn:aws:iam::123456789012:user/ada"});
    world.run_until_cut(Workflow::Provision, operation, input).await;
}

#[tokio::test]
async fn a_stand_up_and_its_end() {
    let world = World::new(Habits::realistic());
    run(&world, "first", &reference("data-processing")).await;
    let (text, html) = page(&world, "first").await;
    insta::assert_snapshot!("stand_up", golden(&text));
    assert_eq!(text_of(&html, "#outcome"), "✓ succeeded");
    assert!(text_of(&html, "main").contains("vpc_id"));

    world.destroy("second", "data-processing", "production").await;
    let (_, html) = page(&world, "second").await;
    assert_eq!(text_of(&html, "h1"), "Destruction of data-processing/production");
    assert!(text_of(&html, ".timeline").contains("deleted"));
    // The outputs are of the last operation that set them; this one did not.
    assert!(select(&html, "#outputs").is_empty());
    let (_, html) = page(&world, "first").await;
    assert!(select(&html, "#outputs").is_empty());
}

#[tokio::test]
async fn an_operation_that_went_back() {
    let mut document = reference("data-processing");
    document["on_failure"] = json!("rollback");
    let world = World::new(Habits::realistic());
    run(&world, "first", &document).await;
    document["streams"]["stream"]["shards"] = json!(4);
    document["streams"]["other"] = json!({"shards": 1});
    document["databases"]["database"]["class"] = json!("db.t3.medium");
    world.cloud.set_plot(|number, call| match call.key.kind {
        Kind::DbInstance if call.verb == "change" => Some(Fault::Refused),
        Kind::Stream if number % 2 == 0 => Some(Fault::Throttled),
        _ => None,
    });
    run(&world, "second", &document).await;
    let (text, html) = page(&world, "second").await;
    insta::assert_snapshot!("went_back", golden(&text));
    assert_eq!(text_of(&html, "#outcome"), "↩ rolled back");
    assert_eq!(select(&html, ".timeline rect.bar.failed").len(), 1);
    assert!(!select(&html, ".timeline circle.fault").is_empty());
    assert!(!select(&html, "#steps-back").is_empty());
}

#[tokio::test]
async fn operations_that_change_nothing() {
    let document = reference("data-processing");
    let world = World::new(Habits::default());
    run(&world, "first", &document).await;
    run(&world, "second", &document).await;
    let (_, html) = page(&world, "second").await;
    assert!(text_of(&html, "main").contains("Nothing was changed."));
    assert!(text_of(&html, "main").contains("26 more were looked at and are as they should be."));

    world.cloud.remove(&"us-east-1/alarm/database-cpu".parse().unwrap());
    world.drift("third", "data-processing", "production", false).await;
    let (_, html) = page(&world, "third").await;
    assert_eq!(text_of(&html, "h1"), "Inspection of data-processing/production");
    assert_eq!(text_of(&html, "pre"), "us-east-1/alarm/database-cpu is gone\n");
    assert!(select(&html, "#outputs").is_empty());
}

#[tokio::test]
async fn an_operation_under_way() {
    let world = World::new(Habits::realistic());
    run(&world, "first", &reference("data-processing")).await;
    let mut picture = picture_of(&world, "first").await;
    let started_at_ms = picture.record.started_at_ms;
    (picture.record.closed_at_ms, picture.record.outcome) = (None, None);
    let database: ResourceKey = "us-east-1/db-instance/database".parse().unwrap();
    let under_way = StepState::InProgress {
        since_ms: started_at_ms + 10_000,
        poll_at_ms: 0,
        reason: Some("it is creating".to_owned()),
        refusals: 0,
        stable: 0,
    };
    picture.forward.states.insert(database, under_way);
    let begun = begun(&picture);
    let report = Report::new(picture, None, started_at_ms + 200_000);
    let html = parsed(&page::page(&report).into_string(), begun);
    assert_eq!(text_of(&html, "#outcome"), "… under way");
    assert!(text_of(&html, "dl").contains("not yet, 3 min 20 s so far"));
    assert_eq!(select(&html, ".timeline rect.bar.under-way").len(), 1);
}

/// Whatever a text holds: it stays text.
#[tokio::test]
async fn everything_is_escaped() {
    let world = World::new(Habits::default());
    run(&world, "first", &reference("data-processing")).await;
    let mut picture = picture_of(&world, "first").await;
    let hostile = || HOSTILE.to_owned();
    let record = &mut picture.record;
    (record.operation, record.execution_arn) = (hostile(), hostile());
    (record.reason, record.by) = (Some(hostile()), Some(hostile()));
    record.stack.stack = hostile();
    record.failures = vec![hostile()];
    record.kept = vec![hostile()];
    let key = ResourceKey::new(&Region::new(HOSTILE), Kind::Stream, HOSTILE);
    let way = &mut picture.forward;
    let mut step: Step = way.plan.steps.values().next().unwrap().clone();
    step.action = Action::Create;
    way.plan.steps.insert(key.clone(), step);
    let failed = StepState::Failed {
        since_ms: 0,
        at_ms: 0,
        error: hostile(),
    };
    way.states.insert(key.clone(), failed);
    let call = CallRecord {
        verb: hostile(),
        at_ms: 0,
        request_id: Some(hostile()),
        error: Some(hostile()),
    };
    way.calls.insert(key, vec![call]);
    picture.back = Some(picture.forward.clone());
    let begun = begun(&picture);
    let report = Report::new(picture, Some([(hostile(), hostile())].into()), 0);
    let text = page::page(&report).into_string();
    let html = parsed(&text, begun);
    assert!(!text.contains("<img") && !text.contains("<script"), "{text}");
    // In each of these places it is read as it was written.
    for place in [
        "title",
        "h1",
        ".failures",
        "#timeline ~ *",
        "#plan ~ *",
        "#steps ~ *",
        "#steps-back ~ *",
        "#outputs ~ *",
        "#kept ~ *",
        "dl",
    ] {
        assert!(text_of(&html, place).contains(HOSTILE), "{place}");
    }
    assert!(is_of(HOSTILE, &text));
    assert!(!is_of("other", &text));
}

/// A page of ten thousand steps is no larger than of a thousand, and has what matters.
#[tokio::test]
async fn a_page_is_bounded() {
    let world = World::new(Habits::default());
    run(&world, "first", &reference("data-processing")).await;
    let picture = picture_of(&world, "first").await;
    let template = picture.forward.plan.steps.values().next().unwrap().clone();
    let with = |count: u64| {
        let mut picture = picture.clone();
        picture.forward = crate::operation::Way::default();
        for number in 0..count {
            let key = ResourceKey::new(&Region::new("us-east-1"), Kind::Subnet, format!("private-{number:05}"));
            let (since_ms, at_ms) = (number * 10, number * 10 + 5_000 + number % 7);
            let state = match number == 777 {
                true => StepState::Failed {
                    since_ms,
                    at_ms,
                    error: "it broke".to_owned(),
                },
                false => StepState::Done { since_ms, at_ms },
            };
            let call = CallRecord {
                verb: "create".to_owned(),
                at_ms: since_ms,
                request_id: Some("0a1b2c3d-0000-1111-2222-0123456789ab".to_owned()),
                error: None,
            };
            let step = Step {
                depends_on: [].into(),
                ..template.clone()
            };
            picture.forward.plan.steps.insert(key.clone(), step);
            picture.forward.states.insert(key.clone(), state);
            picture.forward.calls.insert(key, vec![call; 3]);
        }
        let report = Report::new(picture, None, 200_000);
        let page = page::page(&report).into_string();
        let html = parsed(&page, usize::try_from(count).unwrap().min(ROWS_MAX));
        assert_eq!(select(&html, ".timeline rect.bar.failed").len(), 1);
        (page, html)
    };
    let (thousand, _) = with(1_000);
    let (many, html) = with(10_000);
    assert!(thousand.len() < 2_000_000, "{}", thousand.len());
    assert!(many.len() < thousand.len() + 10_000, "{}", many.len());
    assert!(text_of(&html, "main").contains("And 9000 more, which outrigger show first lists."));
}
