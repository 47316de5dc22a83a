//! Environments and variables: what a document is resolved to.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use outrigger_model::document::{self, Choice, Code, Origin, Problem};
use serde_json::{Value, json};

/// A document with environments; what is indented by four goes into its database.
const SHOP: &str = r#"
stack: shop
environment: staging
region: us-east-1
variables:
  storage_gib: 20
  multi_az: false
network:
  cidr: 10.0.0.0/16
  zones: 2
  private: {}
databases:
  main:
    engine: postgres
    version: "15.15"
    class: db.t3.micro
    storage_gib: ${storage_gib}
    multi_az: ${multi_az}
    database: shop
    user: shop_owner
    log_exports: [postgresql, upgrade]
tags:
  Owner: data
environments:
  staging: {}
  production:
    variables:
      storage_gib: 200
    databases:
      main:
        multi_az: true
        log_exports: [upgrade]
      second:
        engine: postgres
        version: "16.1"
        class: db.t3.micro
        storage_gib: ${storage_gib}
        database: shop
        user: shop_owner
    tags: null
"#;

fn choice(environment: Option<&str>, set: &[(&str, &str)]) -> Choice {
    let mut choice = Choice::new(environment.map(str::to_owned), &BTreeMap::new());
    for (name, value) in set {
        choice.set(name, value).unwrap();
    }
    choice
}

fn resolved(text: &str, choice: &Choice) -> Result<Value, Vec<Problem>> {
    document::read(text.as_bytes(), choice).map(|read| read.value)
}

/// The environment, what is set, where to look, and what is there.
type Row<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)], &'a str, Value);

#[test]
fn an_environment_is_merged_over_the_document() {
    let table: &[Row] = &[
        (None, &[], "/environment", json!("staging")),
        (Some("production"), &[], "/environment", json!("production")),
        (None, &[], "/databases/main/storage_gib", json!(20)),
        // The overlay's variable, then what is set beside the document.
        (Some("production"), &[], "/databases/main/storage_gib", json!(200)),
        (
            Some("production"),
            &[("storage_gib", "500")],
            "/databases/main/storage_gib",
            json!(500),
        ),
        (
            Some("production"),
            &[("storage_gib", "500"), ("storage_gib", "600")],
            "/databases/second/storage_gib",
            json!(600),
        ),
        // Mappings one by one, lists as a whole, null takes away.
        (Some("production"), &[], "/databases/main/class", json!("db.t3.micro")),
        (
            Some("production"),
            &[],
            "/databases/main/log_exports",
            json!(["upgrade"]),
        ),
        (Some("production"), &[], "/tags", Value::Null),
        (None, &[], "/tags/Owner", json!("data")),
        // Values keep their type.
        (None, &[], "/databases/main/multi_az", json!(false)),
        (None, &[("multi_az", "true")], "/databases/main/multi_az", json!(true)),
        // The overlay's own value takes the place of the variable.
        (
            Some("production"),
            &[("multi_az", "false")],
            "/databases/main/multi_az",
            json!(true),
        ),
    ];
    for (environment, set, pointer, expected) in table {
        let context = format!("{environment:?} {set:?} {pointer}");
        let value = resolved(SHOP, &choice(*environment, set)).unwrap_or_else(|wrong| panic!("{context}: {wrong:?}"));
        assert_eq!(
            value.pointer(pointer).cloned().unwrap_or_default(),
            *expected,
            "{context}"
        );
        assert!(
            value.get("variables").is_none() && value.get("environments").is_none(),
            "{context}"
        );
        // Nothing is left to resolve, and all else understands it.
        let (again, document) = document::resolve(&value, &Choice::default()).unwrap();
        assert_eq!((again, document), (value.clone(), document::parse(&value).unwrap()));
    }
}

/// The control plane is given values, not texts; it comes to the same.
#[test]
fn values_resolve_as_texts_do() {
    let whole = document::from_text(SHOP).unwrap();
    let set = BTreeMap::from([("storage_gib".to_owned(), json!(500))]);
    let (value, document) = document::resolve(&whole, &Choice::new(Some("production".to_owned()), &set)).unwrap();
    assert_eq!(
        value,
        resolved(SHOP, &choice(Some("production"), &[("storage_gib", "500")])).unwrap()
    );
    assert_eq!(document.id().to_string(), "shop/production");
    let wrong = document::resolve(&whole, &Choice::new(Some("prodction".to_owned()), &BTreeMap::new())).unwrap_err();
    assert_eq!(wrong[0].code, Code::UnknownEnvironment);
    assert_eq!(wrong[0].help.as_deref(), Some("did you mean `production`?"));
}

#[test]
fn without_environments_any_may_be_chosen() {
    let plain = SHOP.split("environments:").next().unwrap();
    let value = resolved(plain, &choice(Some("test"), &[])).unwrap();
    assert_eq!(value["environment"], "test");
    let wrong = resolved(plain, &choice(Some("Test"), &[])).unwrap_err();
    assert_eq!((wrong[0].code, wrong[0].place.as_str()), (Code::Name, "environment"));
}

#[test]
fn a_variable_without_a_value_must_be_given_one() {
    let text = SHOP.replace("  storage_gib: 20\n", "  storage_gib:\n");
    let wrong = resolved(&text, &choice(None, &[])).unwrap_err();
    assert_eq!((wrong.len(), wrong[0].code), (1, Code::Variable), "{wrong:?}");
    for given in [choice(Some("production"), &[]), choice(None, &[("storage_gib", "30")])] {
        assert!(resolved(&text, &given).is_ok());
    }
}

/// A variable's value is never looked into, so there is nothing that could go round in circles.
#[test]
fn variables_do_not_refer_to_each_other() {
    for (one, other) in [
        ("${multi_az}", "false"),
        ("${multi_az}", "${storage_gib}"),
        ("${storage_gib}", "false"),
    ] {
        let text = SHOP
            .replace("  storage_gib: 20", &format!("  storage_gib: {one}"))
            .replace("  multi_az: false", &format!("  multi_az: {other}"));
        let wrong = resolved(&text, &choice(None, &[])).unwrap_err();
        assert!(wrong.iter().all(|problem| problem.code == Code::Variable), "{wrong:?}");
    }
    let wrong = resolved(SHOP, &choice(None, &[("storage_gib", "${multi_az}")])).unwrap_err();
    assert_eq!(wrong[0].code, Code::Variable);
}

/// What comes from beside the document is marked there.
#[test]
fn what_is_set_is_marked_where_it_was_written() {
    let wrong = resolved(SHOP, &choice(None, &[("multi_az", "false"), ("storage_gib", "20GB")])).unwrap_err();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let span = wrong[0].span.unwrap();
    assert_eq!(wrong[0].place, "databases.main.storage_gib");
    assert_eq!((span.origin, span.start, span.end), (Origin::Set(1), 0, 4));

    let wrong = resolved(SHOP, &choice(None, &[("storage", "20")])).unwrap_err();
    assert_eq!(
        (wrong[0].code, wrong[0].place.as_str()),
        (Code::UnknownVariable, "set.storage")
    );
    assert_eq!(wrong[0].help.as_deref(), Some("did you mean `storage_gib`?"));

    let wrong = Choice::default().set("storage_gib", "[20").unwrap_err();
    assert_eq!((wrong.code, wrong.span.unwrap().origin), (Code::Syntax, Origin::Set(0)));
}

/// Where a problem is told, its mark is what is meant: the text between start and end.
#[test]
fn marks_are_where_things_are_written() {
    let text = "# ünïcode\nstack: 'Shöp'\nregion: &r us-esat-1\nnetwork: {cidr: \"10.0.0.0/8\", zönes: 2}\ntags:\n  Key: *r\n  Name: \"ä\"\nstack: b\n";
    let wrong = document::read(text.as_bytes(), &Choice::default()).unwrap_err();
    let marked: Vec<(String, &str, usize, usize)> = wrong
        .iter()
        .filter_map(|problem| {
            let span = problem.span?;
            Some((
                problem.place.clone(),
                text.get(span.start..span.end)?,
                span.line,
                span.column,
            ))
        })
        .collect();
    let expected = [
        ("environment", "", 2, 1),
        ("stack", "'Shöp'", 2, 8),
        ("region", "us-esat-1", 3, 12),
        ("network.zones", "network", 4, 1),
        ("network.cidr", "\"10.0.0.0/8\"", 4, 17),
        ("network.zönes", "zönes", 4, 31),
        ("tags.Name", "Name", 7, 3),
        ("stack", "stack", 8, 1),
    ]
    .map(|(place, mark, line, column)| (place.to_owned(), mark, line, column));
    assert_eq!(marked, expected);
}
