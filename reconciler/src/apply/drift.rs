//! Detecting drift with a dry run.

use futures::{StreamExt, TryStreamExt, stream};
use reconciler_core::ssa;

use super::change::{Action, ApplyError, Change, Failure};
use super::observer::mark_of_value;
use super::order::{Order, Wanted};
use super::stages::{Apply, CONCURRENCY, Item, Trial};

impl Apply<'_> {
    /// Reports what applying each object would do. Nothing is changed.
    pub async fn differences(&self, order: &Order) -> Result<Vec<Change>, ApplyError> {
        let looks: Vec<_> = order.stages.values().flatten().map(|wanted| self.difference(wanted)).collect();
        let found = stream::iter(looks).buffered(CONCURRENCY).try_collect().await;
        found.map_err(|failure: Failure| failure.after(Vec::new()))
    }

    async fn difference(&self, wanted: &Wanted) -> Result<Change, Failure> {
        let action = self.would_do(wanted).await?;
        Ok(Change { id: wanted.id.clone(), action })
    }

    async fn would_do(&self, wanted: &Wanted) -> Result<Action, Failure> {
        let observer = self.objects.observer();
        if ssa::is_skipped(&wanted.value, None) {
            return Ok(Action::Skipped);
        }
        if observer.is_in_place(&wanted.id, self.owner, wanted.hash) {
            return Ok(Action::Unchanged);
        }
        let item = Item { kind: self.kind_of(wanted).await?, wanted };
        observer.track(&wanted.id, &item.kind, self.owner);
        let tried = match self.try_one(&item).await? {
            Trial::Skipped => return Ok(Action::Skipped),
            Trial::Immutable => return Ok(Action::Configured),
            Trial::Applied(tried) => tried.object,
        };
        let found = self.objects.get(&item.kind, &wanted.id).await;
        let fail = |error| Failure::new(format!("{} cannot be read: {error}", wanted.id.subject()));
        let Some(found) = found.map_err(fail)? else { return Ok(Action::Created) };
        let mut ignored = self.ignored.of(&tried);
        // Controllers may have written to it since the dry run.
        ignored.push("/status");
        if !ssa::differ_in_ignored_only(&found, &tried, &ignored) {
            return Ok(Action::Configured);
        }
        // Fields that other managers own are not watched: the object is checked again at the interval.
        if mark_of_value(&found) == mark_of_value(&tried) {
            observer.applied(&wanted.id, wanted.hash, &found);
        }
        Ok(Action::Unchanged)
    }
}
