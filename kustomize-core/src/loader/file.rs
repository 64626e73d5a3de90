//! Loading files.

use std::borrow::Cow;

use super::suggest::did_you_mean;
use super::{Loader, host_error, require_remote};
use crate::error::{BuildError, ErrorKind};
use crate::host::{EntryKind, HostError, path};
use crate::host::{RepositorySpec, is_url};
use crate::options::LoadRestrictor;
use crate::yaml::{FileId, SourceText};

impl Loader<'_> {
    /// The text of a file or URL, numbered as a source of this build.
    ///
    /// # Errors
    /// As for [`Loader::bytes`], and [`ErrorKind::Syntax`] for what is no text.
    pub(crate) fn text(&self, path: &str) -> Result<(FileId, SourceText), BuildError> {
        if is_url(path) {
            return self.add_source(path.to_owned(), self.fetch(path)?);
        }
        let absolute = self.absolute(path);
        let name = self.level.display(&absolute);
        let explain = |problem| self.explain(problem, path, &absolute);
        let found = self.permitted(&absolute).map_err(explain)?;
        let (recorder, texts) = (self.cx.recorder, &self.cx.store.texts);
        let known = |digest| texts.get(&found, digest, &name);
        if let Some(text) = recorder.known_content(&found, known) {
            return Ok(text);
        }
        let content = self.cx.host.read(&found).map_err(|error| explain(error.into()))?;
        // As it was read just now.
        let digest = recorder.digest(&content);
        if let Some(text) = digest.and_then(known) {
            return Ok(text);
        }
        let (file, text) = self.add_source(name.clone(), content)?;
        Ok(match digest {
            Some(digest) => texts.put(&found, digest, &name, file, text),
            None => (file, text),
        })
    }

    pub(super) fn add_source(
        &self,
        name: String,
        content: Vec<u8>,
    ) -> Result<(FileId, SourceText), BuildError> {
        let text: SourceText = decode(content)
            .map_err(|why| {
                BuildError::new(ErrorKind::Syntax, format!("{name} is not UTF-8 text: {why}")).in_file(&name)
            })?
            .into();
        let id = self.cx.sources.add(name, text.clone(), None);
        Ok((id, text))
    }

    /// The content of a file or URL.
    ///
    /// # Errors
    /// [`ErrorKind::Host`] with the host's reason (`NotFound`, `IsDirectory`, `Http`, …),
    /// [`ErrorKind::Restriction`] for a file outside of the root, [`ErrorKind::NotAllowed`] and
    /// [`ErrorKind::Remote`] for URLs.
    pub(crate) fn bytes(&self, path: &str) -> Result<Vec<u8>, BuildError> {
        self.load(path).map(|(_, content)| content)
    }

    /// Content, and the name to show.
    pub(super) fn load(&self, path: &str) -> Result<(String, Vec<u8>), BuildError> {
        if is_url(path) {
            return Ok((path.to_owned(), self.fetch(path)?));
        }
        let absolute = self.absolute(path);
        match self.read(&absolute) {
            Ok(content) => Ok((self.level.display(&absolute), content)),
            Err(problem) => Err(self.explain(problem, path, &absolute)),
        }
    }

    /// The same for a file that need not be there: where it is not, nobody has to be told what
    /// others there are.
    pub(super) fn load_if_there(&self, path: &str) -> Result<Option<(String, Vec<u8>)>, BuildError> {
        let absolute = self.absolute(path);
        match self.read(&absolute) {
            Ok(content) => Ok(Some((self.level.display(&absolute), content))),
            Err(Problem::Host(HostError::NotFound)) => Ok(None),
            Err(problem) => Err(self.explain(problem, path, &absolute)),
        }
    }

    fn read(&self, absolute: &str) -> Result<Vec<u8>, Problem> {
        let found = self.permitted(absolute)?;
        Ok(self.cx.host.read(&found)?)
    }

    /// Where to read a file from, if it may be read: with the restriction to the root, the file
    /// itself, links resolved, must stand at or below the root.
    fn permitted<'p>(&self, absolute: &'p str) -> Result<Cow<'p, str>, Problem> {
        let host = self.cx.host;
        if self.level.restrictor == LoadRestrictor::None {
            return Ok(Cow::Borrowed(absolute));
        }
        let resolved = host.resolve_below(&self.level.root, &path::clean(absolute))?;
        if path::is_within(&self.level.root, path::parent(&resolved)) {
            return Ok(Cow::Owned(resolved));
        }
        match host.kind(&resolved)? {
            EntryKind::Directory => Err(HostError::IsDirectory.into()),
            _ => Err(Problem::Outside { resolved }),
        }
    }

    fn explain(&self, problem: Problem, path: &str, absolute: &str) -> BuildError {
        let error = match problem {
            Problem::Outside { resolved } => return self.outside(path, absolute, &resolved),
            Problem::Host(error) => error,
        };
        let is_missing = error == HostError::NotFound;
        let name = self.level.display(absolute);
        let error = host_error(error, &name);
        // Not asked for directories: every base is tried as a file first.
        match is_missing.then(|| did_you_mean(self.cx.host, absolute, path)).flatten() {
            Some(help) => error.with_help(help),
            None => error,
        }
    }

    fn outside(&self, path: &str, absolute: &str, resolved: &str) -> BuildError {
        let root = self.level.display(&self.level.root);
        let through_link = resolved != path::clean(absolute);
        let leads = if through_link {
            format!(" (it resolves to {})", self.level.display(resolved))
        } else {
            String::new()
        };
        let message =
            format!("file '{path}' is not in or below the kustomization's directory '{root}'{leads}");
        let error = BuildError::new(ErrorKind::Restriction, message);
        if self.level.checkout().is_some() {
            return error.with_help("files of a cloned repository may not be loaded from elsewhere");
        }
        error.with_help(format!(
            "move the file below that directory, make a base of it, or lift the restriction ({})",
            self.cx.options.option_names.load_restrictor
        ))
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, BuildError> {
        require_remote(self.cx, &format!("fetching {url}"))?;
        self.cx.host.fetch(url).map_err(|error| match error {
            // Whoever asked goes on to clone it.
            HostError::Http { .. } if RepositorySpec::parse(url).is_ok() => {
                BuildError::new(ErrorKind::Remote, format!("{url}: {error}"))
                    .with_help("this looks like the URL of a git repository, which cannot stand for a file")
            }
            HostError::Refused { .. } | HostError::Http { .. } => host_error(error, url),
            error => BuildError::new(ErrorKind::Remote, format!("{url}: {error}")),
        })
    }
}

impl crate::generate::Files for Loader<'_> {
    fn bytes(&self, path: &str) -> Result<Vec<u8>, BuildError> {
        let content = Loader::bytes(self, path)?;
        self.cx.count_generated(content.len())?;
        Ok(content)
    }
}

impl crate::transform::Files for Loader<'_> {
    fn text(&self, path: &str) -> Result<(FileId, SourceText), BuildError> {
        Loader::text(self, path)
    }
}

/// Why a file may not be read.
enum Problem {
    Host(HostError),
    /// It stands outside of the root.
    Outside {
        resolved: String,
    },
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        Problem::Host(error)
    }
}

/// Text of UTF-8, or of UTF-16 with a byte order mark, which YAML allows as well; or what is wrong.
fn decode(content: Vec<u8>) -> Result<String, String> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = char::decode_utf16(pairs.iter().map(|&pair| unit(pair))).collect::<Result<_, _>>().ok();
        let text = if rest.is_empty() { text } else { None };
        text.ok_or_else(|| "nor UTF-16, though it starts with its byte order mark".to_owned())
    };
    match content.as_slice() {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        _ => String::from_utf8(content).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let (before, rest) = error.as_bytes().split_at(valid);
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let byte = rest.first().copied().unwrap_or_default();
            format!("byte 0x{byte:02x} on line {line} is no part of a character")
        }),
    }
}
