//! Revisions of Git: `main@sha1:5394cb7…`.

/// The parts of a revision. The older ways to write one (`main/5394cb7…`, `HEAD/5394cb7…`) are read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision<'a> {
    /// The branch, tag or reference; empty if it names none.
    pub pointer: &'a str,
    /// The hash of the commit, without its algorithm.
    pub hash: &'a str,
}

impl<'a> Revision<'a> {
    /// Reads a revision.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        Revision { pointer: pointer(text), hash: hash(text) }
    }
}

fn pointer(text: &str) -> &str {
    if let Some((pointer, _)) = text.rsplit_once('@') {
        return pointer;
    }
    match text.rsplit_once('/') {
        Some((pointer, _)) if pointer != "HEAD" => pointer,
        _ => "",
    }
}

fn hash(text: &str) -> &str {
    text.rsplit_once(':').or_else(|| text.rsplit_once('/')).map_or(text, |(_, hash)| hash)
}

/// A hash with its algorithm, which its length tells; empty without a hash.
#[must_use]
pub fn digest_of_hash(hash: &str) -> String {
    match hash.len() {
        0 => String::new(),
        40 => format!("sha1:{hash}"),
        _ => format!("<unknown>:{hash}"),
    }
}

/// A revision in today's form.
#[must_use]
pub fn upgraded(text: &str) -> String {
    if text.is_empty() || text.contains(':') {
        return text.to_owned();
    }
    let Revision { pointer, hash } = Revision::parse(text);
    let digest = digest_of_hash(hash);
    if pointer.is_empty() { digest } else { format!("{pointer}@{digest}") }
}

/// The revision of a commit that was found by a reference: `main@sha1:…` for `refs/heads/main`.
#[must_use]
pub fn commit_revision(reference: &str, hash: &str) -> String {
    let digest = digest_of_hash(hash);
    match reference.splitn(3, '/').nth(2) {
        Some(short) => format!("{short}@{digest}"),
        None => digest,
    }
}

/// The revision of a commit that was asked for by the name of its reference, which stays whole.
#[must_use]
pub fn named_revision(reference: &str, hash: &str) -> String {
    let digest = digest_of_hash(hash);
    if reference.is_empty() { digest } else { format!("{reference}@{digest}") }
}

/// The subject of a commit message, cut after 50 characters.
#[must_use]
pub fn short_subject(message: &str) -> String {
    let subject = message.split('\n').next().unwrap_or_default();
    match subject.char_indices().nth(50) {
        Some((end, _)) => format!("{}...", &subject[..end]),
        None => subject.to_owned(),
    }
}
