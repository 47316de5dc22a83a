//! Which stacks there are, and which stack an operation is of.

use outrigger_model::StackId;

use super::{State, StateError, body, write_failed};
use crate::ports::store::{Change, ItemKey, Write};

/// The partition with one item per stack; the sort key is `<stack>/<environment>`.
const STACKS: &str = "stacks";
/// The partition with one item per operation on record; the sort key is its id.
const OPERATIONS: &str = "operations";

/// How many stacks [`State::stacks`] answers at most.
pub const STACKS_MAX: usize = 1_000;

impl State {
    /// Notes that an operation is of a stack, so that both can be found without knowing the stack.
    ///
    /// # Guarantees
    /// - May be repeated: what is noted is the same each time.
    pub async fn note(&self, stack: &StackId, operation: &str) -> Result<(), StateError> {
        self.put_note(STACKS, &stack.to_string(), stack).await?;
        self.put_note(OPERATIONS, operation, stack).await
    }

    async fn put_note(&self, partition: &str, sort: &str, stack: &StackId) -> Result<(), StateError> {
        let key = item(partition, sort);
        let write = Write {
            conditions: Vec::new(),
            change: Change {
                body: Some(body::encode(sort, stack).map_err(|error| write_failed(&key, error))?),
                ..Change::default()
            },
            write_id: format!("note/{sort}"),
            key,
        };
        self.write(&write).await.map(|_| ())
    }

    /// The stack that an operation is of; `None` if it never began, or is no longer on record.
    pub async fn stack_of(&self, operation: &str) -> Result<Option<StackId>, StateError> {
        let key = item(OPERATIONS, operation);
        match self.read(&key).await? {
            None => Ok(None),
            Some(found) => body::decode(&key.sort, &found.body)
                .map(Some)
                .map_err(StateError::store(format!("read {} of {OPERATIONS}", key.sort))),
        }
    }

    /// Every stack that an operation was ever begun on, at most [`STACKS_MAX`].
    pub async fn stacks(&self) -> Result<Vec<StackId>, StateError> {
        let mut sorts: Vec<String> = Vec::new();
        while sorts.len() < STACKS_MAX {
            let after = sorts.last().map(String::as_str);
            let page = self
                .store
                .list(STACKS, "", after, 100)
                .await
                .map_err(StateError::store("list the stacks"))?;
            if page.is_empty() {
                break;
            }
            sorts.extend(page);
        }
        Ok(sorts
            .iter()
            .filter_map(|sort| sort.split_once('/'))
            .map(|(stack, environment)| StackId {
                stack: stack.to_owned(),
                environment: environment.to_owned(),
            })
            .collect())
    }

    /// Forgets an operation that has no record: none any more, or none ever.
    pub(crate) async fn forget(&self, operation: &str) -> Result<(), StateError> {
        let key = item(OPERATIONS, operation);
        self.store
            .delete(&key, &[])
            .await
            .map(|_| ())
            .map_err(StateError::store(format!("delete {} of {OPERATIONS}", key.sort)))
    }
}

fn item(partition: &str, sort: &str) -> ItemKey {
    ItemKey {
        partition: partition.to_owned(),
        sort: sort.to_owned(),
    }
}
