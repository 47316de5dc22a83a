//! What [`StateStore`] promises: the store alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use outrigger_model::FencingToken;

use super::{Checked, body, hold, same, say};
use crate::ports::store::{
    BODY_BYTES_MAX, Change, Condition, Header, Item, ItemKey, StateStore, StoreError, Write, Written,
};

pub(super) struct Bare {
    pub(super) store: Arc<dyn StateStore>,
    pub(super) partition: String,
}

impl Bare {
    fn key(&self, sort: impl Into<String>) -> ItemKey {
        ItemKey {
            partition: self.partition.clone(),
            sort: sort.into(),
        }
    }

    async fn read(&self, sort: &str) -> Result<Option<Item>, String> {
        self.store.read(&self.key(sort)).await.map_err(say)
    }

    async fn write(
        &self,
        sort: &str,
        write_id: &str,
        conditions: &[Condition],
        change: Change,
    ) -> Result<Written, String> {
        let write = Write {
            key: self.key(sort),
            conditions: conditions.to_vec(),
            change,
            write_id: write_id.to_owned(),
        };
        self.store.write(&write).await.map_err(say)
    }

    async fn put(&self, sort: &str, change: Change) -> Result<Item, String> {
        match self.write(sort, "put", &[], change).await? {
            Written::Done(_) => self.read(sort).await?.ok_or("what was written is absent".to_owned()),
            Written::Refused(found) => Err(format!("a write without conditions was refused by {found:?}")),
        }
    }

    async fn delete(&self, sort: &str, conditions: &[Condition]) -> Result<bool, String> {
        self.store.delete(&self.key(sort), conditions).await.map_err(say)
    }

    async fn list(&self, prefix: &str, after: Option<&str>, count_max: usize) -> Result<Vec<String>, String> {
        self.store
            .list(&self.partition, prefix, after, count_max)
            .await
            .map_err(say)
    }
}

/// A change of everything: token 5, held by `holder` until 1000.
fn held() -> Change {
    Change {
        token: Some(FencingToken(5)),
        body: Some(b"before".to_vec()),
        ..hold("holder", 1000)
    }
}

/// Each condition; whether it holds on an absent item, on one made by [`held`], and on one with a body only.
fn conditions() -> Vec<(Condition, [bool; 3])> {
    vec![
        (Condition::Absent, [true, false, false]),
        (Condition::Present, [false, true, true]),
        (Condition::TokenBelow(FencingToken(0)), [true, false, false]),
        (Condition::TokenBelow(FencingToken(1)), [true, false, true]),
        (Condition::TokenBelow(FencingToken(5)), [true, false, true]),
        (Condition::TokenBelow(FencingToken(6)), [true, true, true]),
        (Condition::TokenBelow(FencingToken(10)), [true, true, true]),
        (Condition::TokenIs(FencingToken(0)), [false, false, true]),
        (Condition::TokenIs(FencingToken(5)), [false, true, false]),
        (Condition::TokenIs(FencingToken(6)), [false, false, false]),
        (Condition::VersionIs(0), [false, false, false]),
        (Condition::VersionIs(1), [false, true, true]),
        (Condition::VersionIs(2), [false, false, false]),
        (Condition::HolderIs("holder".to_owned()), [false, true, false]),
        (Condition::HolderIs("hold".to_owned()), [false, false, false]),
        (Condition::HolderIs(String::new()), [false, false, false]),
        (Condition::NotHeldAt(0), [true, false, true]),
        (Condition::NotHeldAt(999), [true, false, true]),
        (Condition::NotHeldAt(1000), [true, true, true]),
        (Condition::NotHeldAt(1001), [true, true, true]),
    ]
}

pub(super) async fn absent_is_none(bare: Bare) -> Checked {
    same("reading what is absent", bare.read("stack").await?, None)?;
    same("listing nothing", bare.list("", None, 10).await?, vec![])?;
    same("deleting what is absent", bare.delete("stack", &[]).await?, true)?;
    let conditions = [Condition::Present, Condition::TokenIs(FencingToken(9))];
    same(
        "deleting what is absent, conditionally",
        bare.delete("stack", &conditions).await?,
        true,
    )
}

/// The items that conditions are tried on, in the order of [`conditions`].
async fn prepared(bare: &Bare, number: usize) -> Result<[(String, Option<Item>); 3], String> {
    let (held_sort, plain_sort) = (format!("held#{number}"), format!("plain#{number}"));
    let held_item = bare.put(&held_sort, held()).await?;
    let plain_item = bare.put(&plain_sort, body(b"before")).await?;
    Ok([
        (format!("absent#{number}"), None),
        (held_sort, Some(held_item)),
        (plain_sort, Some(plain_item)),
    ])
}

pub(super) async fn conditions_hold_or_not(bare: Bare) -> Checked {
    for (number, (condition, wanted)) in conditions().into_iter().enumerate() {
        for ((sort, before), holds) in prepared(&bare, number).await?.into_iter().zip(wanted) {
            let what = format!("{condition:?} on {before:?}");
            same(format!("{what}, as computed"), condition.holds(before.as_ref()), holds)?;
            let written = bare
                .write(&sort, "next", std::slice::from_ref(&condition), body(b"after"))
                .await?;
            let after = bare.read(&sort).await?;
            if holds {
                let item = after.ok_or_else(|| format!("{what}: nothing was written"))?;
                same(format!("{what}: the answer"), written, Written::Done(item.header))?;
                same(format!("{what}: the body"), item.body, b"after".to_vec())?;
            } else {
                same(format!("{what}: the answer"), written, Written::Refused(before.clone()))?;
                same(format!("{what}: the item"), after, before)?;
            }
        }
    }
    // Each alone is not enough.
    bare.put("all", held()).await?;
    let (holds, fails) = (Condition::Present, Condition::TokenIs(FencingToken(6)));
    for pair in [[holds.clone(), fails.clone()], [fails, holds]] {
        let written = bare.write("all", "next", &pair, body(b"after")).await?;
        if !matches!(written, Written::Refused(Some(_))) {
            return Err(format!("{pair:?}: {written:?}"));
        }
    }
    Ok(())
}

pub(super) async fn deletes_have_conditions(bare: Bare) -> Checked {
    for (number, (condition, wanted)) in conditions().into_iter().enumerate() {
        for ((sort, before), holds) in prepared(&bare, number).await?.into_iter().zip(wanted) {
            let what = format!("deleting under {condition:?} {before:?}");
            let Some(before) = before else { continue };
            same(
                &what,
                bare.delete(&sort, std::slice::from_ref(&condition)).await?,
                holds,
            )?;
            let left = (!holds).then_some(before);
            same(format!("{what}: what is left"), bare.read(&sort).await?, left)?;
        }
    }
    // What is created anew starts anew.
    bare.put("again", held()).await?;
    same("deleting", bare.delete("again", &[]).await?, true)?;
    let item = bare.put("again", Change::default()).await?;
    same("the version after a deletion", item.header.version, 1)?;
    same("the token after a deletion", item.header.token, FencingToken(0))
}

pub(super) async fn what_is_not_changed_stays(bare: Bare) -> Checked {
    type Apply = fn(&mut Item);
    let mut wanted = Item::default();
    let steps: [(Change, Apply); 7] = [
        (Change::default(), |_| {}),
        (body(b"one"), |item| item.body = b"one".to_vec()),
        (hold("first", 7), |item| {
            item.header.holder = Some("first".to_owned());
            item.header.holder_expires_at_ms = 7;
        }),
        (
            Change {
                token: Some(FencingToken(3)),
                ..Change::default()
            },
            |item| item.header.token = FencingToken(3),
        ),
        (hold("second", 6), |item| {
            item.header.holder = Some("second".to_owned());
            item.header.holder_expires_at_ms = 6;
        }),
        (
            Change {
                holder: Some(None),
                ..Change::default()
            },
            |item| {
                item.header.holder = None;
                item.header.holder_expires_at_ms = 0;
            },
        ),
        (body(b"two"), |item| item.body = b"two".to_vec()),
    ];
    for (number, (change, apply)) in steps.into_iter().enumerate() {
        let write_id = format!("step-{number}");
        let written = bare.write("lane#network", &write_id, &[], change.clone()).await?;
        apply(&mut wanted);
        wanted.header.version += 1;
        wanted.header.write_id = write_id;
        same(
            format!("{change:?}: the answer"),
            written,
            Written::Done(wanted.header.clone()),
        )?;
        same(
            format!("{change:?}: the item"),
            bare.read("lane#network").await?,
            Some(wanted.clone()),
        )?;
    }
    Ok(())
}

pub(super) async fn every_value_reads_back(bare: Bare) -> Checked {
    let bytes: Vec<u8> = (0..=255).collect();
    let odd = "ä \"quoted\" #:{}\\ \u{1F6F6}";
    for number in [1, u64::from(u32::MAX) + 1, u64::MAX - 1, u64::MAX] {
        let change = Change {
            token: Some(FencingToken(number)),
            body: Some(bytes.clone()),
            ..hold(odd, number)
        };
        let sort = format!("{odd}{number}");
        bare.write(&sort, odd, &[], change).await?;
        let item = bare.read(&sort).await?.ok_or("absent")?;
        let wanted = Header {
            token: FencingToken(number),
            version: 1,
            write_id: odd.to_owned(),
            holder: Some(odd.to_owned()),
            holder_expires_at_ms: number,
        };
        same("the header", item.header, wanted)?;
        same("the body", item.body, bytes.clone())?;
    }
    Ok(())
}

pub(super) async fn repeats_are_recognised(bare: Bare) -> Checked {
    let free = [Condition::NotHeldAt(50)];
    let first = bare.write("lane#network", "a/1", &free, hold("a", 100)).await?;
    let Written::Done(header) = &first else {
        return Err(format!("the first try answered {first:?}"));
    };
    for _ in 0..2 {
        let repeat = bare.write("lane#network", "a/1", &free, hold("a", 100)).await?;
        same("a repeat", repeat, Written::Done(header.clone()))?;
    }
    let item = bare.read("lane#network").await?;
    let other = bare.write("lane#network", "b/1", &free, hold("b", 100)).await?;
    same("another's write", other, Written::Refused(item.clone()))?;
    // A function that is invoked again has the same request id: the id alone does not make a write the same.
    for change in [hold("a", 101), hold("b", 100), body(b"a")] {
        let written = bare.write("lane#network", "a/1", &free, change.clone()).await?;
        same(
            format!("{change:?} with a used id"),
            written,
            Written::Refused(item.clone()),
        )?;
    }
    // Another has written since: the repeat is refused, and sees by whom.
    bare.write("lane#network", "c/1", &[], body(b"c")).await?;
    let item = bare.read("lane#network").await?;
    let late = bare.write("lane#network", "a/1", &free, hold("a", 100)).await?;
    same("a repeat after another's write", late, Written::Refused(item))
}

pub(super) async fn lists_are_sorted_pages(bare: Bare) -> Checked {
    let neighbour = Bare {
        store: bare.store.clone(),
        partition: format!("{}-too", bare.partition),
    };
    let wanted: Vec<String> = ["10", "9", "B", "a", "a#", "ä", "\u{1F6F6}"]
        .iter()
        .map(|id| format!("operation#{id}"))
        .collect();
    for sort in wanted.iter().rev() {
        bare.put(sort, Change::default()).await?;
        neighbour.put(sort, Change::default()).await?;
    }
    for sort in ["operatio", "operation", "operation$", "lane#network", "stack"] {
        bare.put(sort, Change::default()).await?;
    }
    same("all", bare.list("operation#", None, 100).await?, wanted.clone())?;
    same("none", bare.list("blob#", None, 100).await?, vec![])?;
    same("no more than none", bare.list("operation#", None, 0).await?, vec![])?;
    for size in 1..=wanted.len() {
        let mut listed: Vec<String> = Vec::new();
        loop {
            let page = bare.list("operation#", listed.last().map(String::as_str), size).await?;
            if page.is_empty() {
                break;
            }
            if page.len() > size || listed.len() > wanted.len() {
                return Err(format!("pages of {size}: {listed:?}, then {page:?}"));
            }
            listed.extend(page);
        }
        same(format!("pages of {size}"), listed, wanted.clone())?;
    }
    let table = [
        ("", wanted.len()),
        ("lane#network", wanted.len()),
        ("operation#", wanted.len()),
        ("operation#A", 5),
        ("operation$", 0),
        ("stack", 0),
    ];
    for (after, count) in table {
        let listed = bare.list("operation#", Some(after), 100).await?;
        same(format!("how many come after {after:?}"), listed.len(), count)?;
    }
    Ok(())
}

pub(super) async fn large_items_fit_and_larger_do_not(bare: Bare) -> Checked {
    let largest = vec![7; BODY_BYTES_MAX];
    let mut sorts = Vec::new();
    // Together more than DynamoDB's page of 1 MB.
    for number in 0..4 {
        let sort = format!("blob#{number}");
        let item = bare.put(&sort, body(&largest)).await?;
        same("how long the body is", item.body.len(), largest.len())?;
        sorts.push(sort);
    }
    same("the list of large items", bare.list("blob#", None, 10).await?, sorts)?;
    let write = Write {
        key: bare.key("blob#larger"),
        conditions: vec![],
        change: body(&vec![7; BODY_BYTES_MAX + 1]),
        write_id: "larger".to_owned(),
    };
    let wanted = StoreError::TooLarge {
        sort: "blob#larger".to_owned(),
        bytes: BODY_BYTES_MAX + 1,
    };
    same("a longer body", bare.store.write(&write).await, Err(wanted))?;
    same("what a longer body left", bare.read("blob#larger").await?, None)
}

pub(super) async fn of_two_writes_at_once_one_wins(bare: Bare) -> Checked {
    const WRITERS: u64 = 8;
    for round in 0..3 {
        let sort = format!("raced#{round}");
        let claims = (0..WRITERS).map(|writer| {
            let (bare, sort) = (&bare, &sort);
            async move {
                let name = format!("writer-{writer}");
                bare.write(sort, &name, &[Condition::NotHeldAt(0)], hold(&name, 100))
                    .await
            }
        });
        let answers: Vec<Written> = join_all(claims).await.into_iter().collect::<Result<_, _>>()?;
        let done: Vec<_> = answers
            .iter()
            .filter(|answer| matches!(answer, Written::Done(_)))
            .collect();
        let holder = bare.read(&sort).await?.unwrap_or_default().header;
        same("who won", done, vec![&Written::Done(holder)])?;

        let sort = format!("shared#{round}");
        let writes = (0..WRITERS).map(|writer| {
            let (bare, sort) = (&bare, &sort);
            async move { bare.write(sort, &format!("writer-{writer}"), &[], body(b"x")).await }
        });
        let answers: Vec<Written> = join_all(writes).await.into_iter().collect::<Result<_, _>>()?;
        let versions: BTreeSet<u64> = answers
            .iter()
            .filter_map(|answer| match answer {
                Written::Done(header) => Some(header.version),
                Written::Refused(_) => None,
            })
            .collect();
        same(
            "the versions of unconditional writes",
            versions,
            (1..=WRITERS).collect(),
        )?;
    }
    Ok(())
}
