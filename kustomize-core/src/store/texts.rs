//! Texts of files, read once and parsed once.

use std::sync::{Arc, Mutex};

use super::ask::Digest;
use super::locked;
use crate::collections::IndexMap;
use crate::resource::Resource;
use crate::yaml::{FileId, SourceText};

/// The text that a file had when it was last read.
#[derive(Clone, Debug)]
struct Text {
    digest: Digest,
    name: String,
    file: FileId,
    text: SourceText,
}

/// Texts by path, and the resources in them.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    by_path: Mutex<IndexMap<String, Text>>,
    resources: Mutex<IndexMap<FileId, Vec<Arc<Resource>>>>,
}

impl Texts {
    /// The text of a file with this content, under the name that it has in messages.
    pub(crate) fn get(&self, path: &str, digest: Digest, name: &str) -> Option<(FileId, SourceText)> {
        let texts = locked(&self.by_path);
        let text = texts.get(path).filter(|text| text.digest == digest && text.name == name)?;
        Some((text.file, text.text.clone()))
    }

    /// Keeps a text, unless another build has kept the same one meanwhile. Returns the one that is kept,
    /// so that all builds number it alike.
    pub(crate) fn put(
        &self,
        path: &str,
        digest: Digest,
        name: &str,
        file: FileId,
        text: SourceText,
    ) -> (FileId, SourceText) {
        let mut texts = locked(&self.by_path);
        if let Some(kept) = texts.get(path).filter(|kept| kept.digest == digest && kept.name == name) {
            return (kept.file, kept.text.clone());
        }
        let kept = Text { digest, name: name.to_owned(), file, text: text.clone() };
        if let Some(former) = texts.insert(path.to_owned(), kept) {
            locked(&self.resources).swap_remove(&former.file);
        }
        (file, text)
    }

    /// The name in messages of a file that was read.
    pub(crate) fn name(&self, path: &str) -> Option<String> {
        locked(&self.by_path).get(path).map(|text| text.name.clone())
    }

    /// The resources in the text that a file had when it was last read, if they were parsed.
    pub(crate) fn current_resources(&self, path: &str) -> Option<(FileId, Vec<Arc<Resource>>)> {
        let file = locked(&self.by_path).get(path)?.file;
        Some((file, self.resources(file)?))
    }

    /// The resources in a text, if they were parsed before.
    pub(crate) fn resources(&self, file: FileId) -> Option<Vec<Arc<Resource>>> {
        locked(&self.resources).get(&file).cloned()
    }

    /// Keeps the resources in a text.
    pub(crate) fn put_resources(&self, file: FileId, resources: &[Arc<Resource>]) {
        locked(&self.resources).insert(file, resources.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Sources;

    #[test]
    fn a_text_that_two_builds_have_read_has_one_number() {
        let (texts, sources) = (Texts::default(), Sources::default());
        let add = |text: &str| sources.add("a.yaml", text.into(), None);
        let (one, two, three) = (add("a: 1"), add("a: 1"), add("a: 2"));
        let other = Digest::default();
        let digest = crate::store::Memo::default().digest(b"a: 1");
        assert_eq!(texts.put("/a.yaml", digest, "a.yaml", one, "a: 1".into()).0, one);
        assert_eq!(texts.put("/a.yaml", digest, "a.yaml", two, "a: 1".into()).0, one);
        assert_eq!(texts.put("/a.yaml", other, "a.yaml", three, "a: 2".into()).0, three);
    }
}
