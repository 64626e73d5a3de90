//! How often repetitions within repetitions repeat what they hold: Go allows a thousand times.

/// More repetitions than this are refused.
const MOST: u32 = 1000;

/// The counts of the repetitions seen so far. Nested ones are multiplied with each other.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// For each group that is open, the largest product in it so far.
    groups: Vec<u32>,
    /// The product of what was read last, which may be repeated next.
    last: u32,
}

impl Repeats {
    /// Something was read that holds nothing else.
    pub(super) fn single(&mut self) {
        self.note_last();
        self.last = 1;
    }

    /// A group starts.
    pub(super) fn open(&mut self) {
        self.single();
        self.groups.push(1);
    }

    /// A group ends.
    pub(super) fn close(&mut self) {
        self.note_last();
        self.last = self.groups.pop().unwrap_or(1);
    }

    /// What was read last is repeated. Without `most` there is no end.
    ///
    /// # Errors
    /// The product of this and the repetitions within is too large.
    pub(super) fn repeat(&mut self, least: u32, most: Option<u32>) -> Result<(), String> {
        // Nothing counts that is repeated zero times.
        self.last = match most {
            Some(0) => 1,
            _ => self.last.saturating_mul(most.unwrap_or(least).max(1)),
        };
        let repeats = least >= 2 || most.is_some_and(|most| most >= 2);
        if repeats && self.last > MOST {
            return Err(format!("repetitions within repetitions repeat something more than {MOST} times"));
        }
        Ok(())
    }

    fn note_last(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            *group = (*group).max(self.last);
        }
    }
}
