//! Reports in a real browser: what is drawn fits, can be read, and asks for nothing. The pictures are left for people, in
//! `target/tmp/reports`.

#[allow(dead_code, clippy::unwrap_used)]
#[path = "../../shared/engine/benches/scenarios/mod.rs"]
mod scenarios;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use outrigger::report::page_of;
use outrigger_engine::memory::cloud::{Fault, Habits};
use outrigger_engine::memory::world::World;
use outrigger_engine::state::content::Workflow;
use outrigger_model::{Kind, StackId};
use outrigger_tests::Project;
use outrigger_tests::browser::{Browser, Look};
use serde_json::{Value, json};

const BARS: &str = "document.querySelectorAll('.timeline rect.bar').length";
const OUTCOME: &str = "document.querySelector('#outcome').innerText";
/// What sticks out of the window, to the right or the left.
const OVERFLOWING: &str = "[...document.querySelectorAll('body *')].filter(element => {
    const {left, right, width} = element.getBoundingClientRect();
    return width > 1 && !element.closest('.hidden') && (left < -1 || right > document.documentElement.clientWidth + 1);
}).map(element => element.outerHTML.slice(0, 200))";
/// Texts that stand out from what is behind them by less than 4.5 to 1 (WCAG 2.2, 1.4.3).
const FAINT: &str = "(() => {
    const channels = colour => colour.match(/[0-9.]+/g).map(Number);
    const light = colour => channels(colour).slice(0, 3).map(value => value / 255)
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
    const behind = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (channels(colour)[3] !== 0) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const faint = [];
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!own || element.closest('.hidden')) continue;
        const style = getComputedStyle(element);
        const ink = element instanceof SVGElement ? style.fill : style.color;
        const [darker, lighter] = [light(ink), light(behind(element))].sort((one, other) => one - other);
        if ((lighter + 0.05) / (darker + 0.05) < 4.5) faint.push(`${element.className} ${element.textContent} ${ink}`);
    }
    return faint;
})()";
/// Bars that are not within the lane they are drawn on.
const ASTRAY: &str = "[...document.querySelectorAll('.timeline rect.bar')].filter(bar => {
    const [own, lane] = [bar.getBoundingClientRect(), bar.closest('td').getBoundingClientRect()];
    return own.width < 1 || own.left < lane.left - 3 || own.right > lane.right + 3 || own.top < lane.top || own.bottom > lane.bottom;
}).length";

/// An operation whose report is looked at.
struct Scene {
    name: &'static str,
    world: World,
    operation: &'static str,
    outcome: &'static str,
    bars: usize,
}

async fn run(world: &World, operation: &str, document: &Value, reason: &str) {
    let input =
        json!({"document": document, "reason": reason, "by": "arn:aws:sts::123456789012:assumed-role/operators/ada"});
    world.run_until_cut(Workflow::Provision, operation, input).await;
}

fn data_processing() -> Result<Value> {
    let documents = scenarios::documents();
    let found = documents.into_iter().find(|(name, _)| *name == "data-processing");
    found
        .map(|(_, document)| document)
        .context("there is no data-processing")
}

async fn stand_up() -> Result<Scene> {
    let world = World::new(Habits::realistic());
    run(&world, "stand-up", &data_processing()?, "the first of them").await;
    Ok(Scene {
        name: "stand-up",
        world,
        operation: "stand-up",
        outcome: "✓ succeeded",
        bars: 26,
    })
}

async fn way_back() -> Result<Scene> {
    let mut document = data_processing()?;
    document["on_failure"] = json!("rollback");
    let world = World::new(Habits::realistic());
    run(&world, "first", &document, "").await;
    document["streams"]["stream"]["shards"] = json!(4);
    document["streams"]["other"] = json!({"shards": 1});
    document["databases"]["database"]["class"] = json!("db.t3.medium");
    world.cloud.set_plot(|number, call| match call.key.kind {
        Kind::DbInstance if call.verb == "change" => Some(Fault::Refused),
        Kind::Stream if number % 2 == 0 => Some(Fault::Throttled),
        _ => None,
    });
    run(
        &world,
        "way-back",
        &document,
        "<script>more room</script> for the autumn: ".repeat(8).as_str(),
    )
    .await;
    Ok(Scene {
        name: "way-back",
        world,
        operation: "way-back",
        outcome: "↩ rolled back",
        bars: 5,
    })
}

async fn many() -> Result<Scene> {
    let world = World::new(Habits::default());
    let stack = StackId {
        stack: "synthetic".to_owned(),
        environment: "bench".to_owned(),
    };
    world
        .carry_out_plan("many", &stack, &scenarios::synthetic(7, 300))
        .await;
    Ok(Scene {
        name: "many",
        world,
        operation: "many",
        outcome: "✓ succeeded",
        bars: 300,
    })
}

fn pictures() -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reports");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Looks at a report as people do: on wide screens and narrow ones, light and dark, and on paper.
async fn check(scene: Scene) -> Result<()> {
    let Scene { name, world, .. } = &scene;
    let stack = world.state.stack_of(scene.operation).await?.context("no operation")?;
    let page = page_of(&world.state, &stack, scene.operation)
        .await?
        .context("no record")?;
    let folder = pictures()?;
    let file = folder.join(format!("{name}.html"));
    std::fs::write(&file, page)?;

    let mut browser = Browser::start(&Project::of_test()?)?;
    for (width, look, seen) in [
        (1280, Look::Light, "light"),
        (1280, Look::Dark, "dark"),
        (390, Look::Light, "narrow"),
        (794, Look::Print, "print"),
    ] {
        browser.look(width, look)?;
        let wrongs = browser.open(&file)?;
        ensure!(wrongs.is_empty(), "{name} {seen}: {wrongs:?}");
        ensure!(
            browser.evaluate(BARS)? == json!(scene.bars),
            "{name} {seen}: {}",
            browser.evaluate(BARS)?
        );
        ensure!(
            browser.evaluate(OUTCOME)? == json!(scene.outcome),
            "{name} {seen}: {}",
            browser.evaluate(OUTCOME)?
        );
        for (what, expression, none) in [
            ("overflows", OVERFLOWING, json!([])),
            ("is faint", FAINT, json!([])),
            ("is astray", ASTRAY, json!(0)),
        ] {
            let found = browser.evaluate(expression)?;
            ensure!(found == none, "{name} {seen} {what}: {found:#}");
        }
        browser.screenshot(&folder.join(format!("{name}-{seen}.png")))?;
    }
    let paper = folder.join(format!("{name}.pdf"));
    browser.print(&paper)?;
    let bytes = std::fs::read(&paper)?;
    let text = String::from_utf8_lossy(&bytes);
    let pages = text.matches("/Type /Page\n").count();
    let of_a4 = text.matches("/MediaBox [0 0 594").count();
    ensure!(pages > 0 && pages == of_a4, "{name}: {of_a4} of {pages} pages are A4");
    Ok(())
}

#[tokio::test]
async fn a_stand_up_is_drawn() -> Result<()> {
    check(stand_up().await?).await
}

#[tokio::test]
async fn a_way_back_is_drawn() -> Result<()> {
    check(way_back().await?).await
}

#[tokio::test]
async fn many_resources_are_drawn() -> Result<()> {
    check(many().await?).await
}

/// The checks can fail: on a page that is wrong in every way they find it all.
#[test]
fn what_is_wrong_with_a_page_is_found() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("wrong.html");
    std::fs::write(
        &file,
        "<!doctype html><title>x</title><p style='color: #bbb; width: 3000px'>faint and wide</p>\
         <img src='missing.png'><script>console.error('it broke'); never()</script>",
    )?;
    let mut browser = Browser::start(&Project::of_test()?)?;
    browser.look(1280, Look::Light)?;
    let wrongs = browser.open(&file)?.join("\n");
    for wrong in ["it requests file://", "it broke", "never is not defined"] {
        ensure!(wrongs.contains(wrong), "{wrong}: {wrongs}");
    }
    for expression in [OVERFLOWING, FAINT] {
        let found = browser.evaluate(expression)?;
        ensure!(found.to_string().contains("faint and wide"), "{found}");
    }
    ensure!(browser.evaluate("never()").is_err());
    Ok(())
}
