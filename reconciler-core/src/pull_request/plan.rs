//! What has to be done so that there is one pull request for each update, and none for others.

use super::forge::PullRequest;
use super::text::{Mark, digest_mark};

/// An update that a pull request is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The branch that has it.
    pub branch: String,
    /// The branch that it is for.
    pub base: String,
    /// What identifies the update.
    pub digest: String,
}

/// What to do about a wanted update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// This pull request has it already. Title and body are left to people.
    Keep(&'a PullRequest),
    /// The branch is to be pushed, and this pull request to be edited.
    Edit(&'a PullRequest),
    /// The branch is to be pushed, and a pull request to be opened.
    Open,
    /// The branch has the pull request of another automation.
    Taken(&'a PullRequest),
}

/// What to do about all pull requests of an automation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<'a> {
    /// One for each wanted update, in their order.
    pub steps: Vec<Step<'a>>,
    /// Those that are to be closed.
    pub outdated: Vec<&'a PullRequest>,
}

/// Compares what is open with what is wanted. Pull requests from forks are never touched, whatever their body
/// says.
pub fn plan<'a>(mark: &Mark, open: &'a [PullRequest], wanted: &[Wanted]) -> Plan<'a> {
    let own: Vec<&PullRequest> = open.iter().filter(|request| !request.is_fork).collect();
    let mut found_numbers = Vec::new();
    let steps = wanted.iter().map(|wanted| {
        let found = own.iter().find(|request| request.branch == wanted.branch && request.base == wanted.base);
        let Some(&found) = found else { return Step::Open };
        found_numbers.push(found.number);
        if Mark::is_in(&found.body) && !mark.marks(&found.body) {
            Step::Taken(found)
        } else if found.body.contains(&digest_mark(&wanted.digest)) {
            Step::Keep(found)
        } else {
            Step::Edit(found)
        }
    });
    let steps = steps.collect();
    let outdated = own
        .into_iter()
        .filter(|request| mark.marks(&request.body) && !found_numbers.contains(&request.number));
    Plan { steps, outdated: outdated.collect() }
}

/// The pull request with this very update that somebody closed and did not merge.
pub fn declined<'a>(mark: &Mark, closed: &'a [PullRequest], wanted: &Wanted) -> Option<&'a PullRequest> {
    let digest = digest_mark(&wanted.digest);
    closed.iter().find(|request| {
        !request.is_fork && !request.is_merged && mark.marks(&request.body) && request.body.contains(&digest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64, branch: &str, digest: &str) -> PullRequest {
        PullRequest {
            number,
            branch: branch.to_owned(),
            base: "main".to_owned(),
            body: format!("{}\n{}", Mark::new("ns", "web", ""), digest_mark(digest)),
            ..PullRequest::default()
        }
    }

    fn wanted(branch: &str, digest: &str) -> Wanted {
        Wanted { branch: branch.to_owned(), base: "main".to_owned(), digest: digest.to_owned() }
    }

    #[test]
    fn there_is_one_for_each_update() {
        let mut open =
            vec![request(1, "a", "1"), request(2, "b", "1"), request(3, "c", "1"), request(4, "d", "1")];
        open[3].is_fork = true;
        let wanted = [wanted("a", "1"), wanted("b", "2"), wanted("d", "1")];
        let plan = plan(&Mark::new("ns", "web", ""), &open, &wanted);
        assert_eq!(plan.steps, [Step::Keep(&open[0]), Step::Edit(&open[1]), Step::Open]);
        assert_eq!(plan.outdated.iter().map(|request| request.number).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn those_of_others_stay_as_they_are() {
        let mut others = vec![request(1, "a", "1"), request(2, "b", "1")];
        others[1].body = "by hand".to_owned();
        for other in [Mark::new("ns", "other", ""), Mark::new("ns", "web", "clusters/b")] {
            let plan = plan(&other, &others, &[wanted("a", "1"), wanted("b", "1")]);
            assert_eq!(plan.outdated, Vec::<&PullRequest>::new());
            assert_eq!(plan.steps, [Step::Taken(&others[0]), Step::Edit(&others[1])]);
        }
    }

    #[test]
    fn what_was_declined_is_not_proposed_again() {
        let mark = Mark::new("ns", "web", "");
        let closed = [request(1, "a", "1")];
        assert_eq!(declined(&mark, &closed, &wanted("a", "1")), Some(&closed[0]));
        assert_eq!(declined(&mark, &closed, &wanted("a", "2")), None);
        let merged = [PullRequest { is_merged: true, ..closed[0].clone() }];
        assert_eq!(declined(&mark, &merged, &wanted("a", "1")), None);
    }
}
