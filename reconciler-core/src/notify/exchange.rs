//! What is said to a provider, request by request.

use std::collections::VecDeque;

use super::NotifyError;

/// How much of an answer an error repeats, in characters.
const SAID: usize = 200;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Adds.
    Post,
    /// Puts something in a place.
    Put,
    /// Changes something.
    Patch,
}

impl Method {
    /// The name in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// A request to a provider. It holds secrets, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What it does.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// The headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, empty where there is none.
    pub body: Vec<u8>,
}

/// What the provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Says what follows from the replies to all requests so far.
type Conclude = Box<dyn FnOnce(&[Reply]) -> Result<Vec<Request>, NotifyError> + Send>;

/// The requests that deliver one event, some of which depend on the replies to others.
///
/// Whoever sends takes a request, sends it, gives the reply back, and goes on until there is none left.
pub struct Exchange {
    queue: VecDeque<Request>,
    replies: Vec<Reply>,
    conclude: Option<Conclude>,
    missing_is_fine: bool,
}

impl Exchange {
    /// An exchange whose requests do not depend on replies.
    pub(super) fn of(requests: Vec<Request>) -> Self {
        Self { queue: requests.into(), replies: Vec::new(), conclude: None, missing_is_fine: false }
    }

    /// Once all requests have been answered, `conclude` says which follow.
    pub(super) fn then(
        mut self,
        conclude: impl FnOnce(&[Reply]) -> Result<Vec<Request>, NotifyError> + Send + 'static,
    ) -> Self {
        self.conclude = Some(Box::new(conclude));
        self
    }

    /// What is asked for may not exist.
    pub(super) fn missing_is_fine(mut self) -> Self {
        self.missing_is_fine = true;
        self
    }

    /// The next request, or nothing when the event is delivered.
    pub fn next_request(&mut self) -> Result<Option<Request>, NotifyError> {
        if self.queue.is_empty()
            && let Some(conclude) = self.conclude.take()
        {
            self.queue = conclude(&self.replies)?.into();
        }
        Ok(self.queue.pop_front())
    }

    /// Takes the reply to the last request. A status of failure ends the exchange.
    pub fn answer(&mut self, reply: Reply) -> Result<(), NotifyError> {
        let missing = reply.status == 404 && self.missing_is_fine && self.conclude.is_some();
        if reply.status >= 300 && !missing {
            return Err(NotifyError::Status { status: reply.status, said: said(&reply.body) });
        }
        self.replies.push(reply);
        Ok(())
    }
}

/// The beginning of what a provider says about a failure.
pub(super) fn said(body: &str) -> String {
    let line = one_line(body);
    match line.char_indices().nth(SAID) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// A text as one line, without characters that control how it is shown.
#[must_use]
pub fn one_line(text: &str) -> String {
    let is_hidden = |letter: &char| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    // An escape sequence of a terminal would leave its letters behind, which do no harm.
    let plain: String = text
        .chars()
        .filter(|letter| !is_hidden(letter))
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads a reply as JSON; one that is not is empty.
pub(super) fn json(replies: &[Reply], index: usize) -> serde_json::Value {
    let body = replies.get(index).filter(|reply| reply.status < 300).map(|reply| &*reply.body);
    body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Exchange, Method, NotifyError, Reply, Request};

    fn request(url: &str) -> Request {
        Request { method: Method::Get, url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    fn reply(status: u16) -> Reply {
        Reply { status, body: String::new() }
    }

    #[test]
    fn later_requests_see_earlier_replies() -> Result<(), NotifyError> {
        let mut exchange = Exchange::of(vec![request("first")])
            .then(|replies| Ok(vec![request(&format!("after {}", replies.len()))]));
        assert!(exchange.next_request()?.is_some_and(|request| request.url == "first"));
        exchange.answer(reply(200))?;
        assert!(exchange.next_request()?.is_some_and(|request| request.url == "after 1"));
        exchange.answer(reply(201))?;
        assert!(exchange.next_request()?.is_none());
        Ok(())
    }

    #[test]
    fn a_failure_ends_the_exchange_unless_what_is_missing_may_be() {
        let failed = |status| Err(NotifyError::Status { status, said: String::new() });
        assert_eq!(Exchange::of(Vec::new()).answer(reply(404)), failed(404));
        let mut lenient = Exchange::of(Vec::new()).missing_is_fine().then(|_| Ok(Vec::new()));
        assert_eq!(lenient.answer(reply(404)), Ok(()));
        assert_eq!(lenient.answer(reply(500)), failed(500));
    }

    #[test]
    fn an_error_repeats_the_beginning_of_the_answer() {
        let error = |body: &str| {
            let reply = Reply { status: 404, body: body.to_owned() };
            Exchange::of(Vec::new()).answer(reply).map_err(|error| error.to_string())
        };
        let failed = "request failed with status code 404";
        assert_eq!(error(""), Err(failed.to_owned()));
        assert_eq!(error("no_service"), Err(format!("{failed}: no_service")));
        let hidden = "{\r\n  \"error\": \u{1b}[31m\u{202e}\"no\u{2028}such\thook\"\n}\n\0";
        assert_eq!(error(hidden), Err(format!("{failed}: {{ \"error\": [31m\"no such hook\" }}")));
        let long = "é".repeat(1_000);
        assert_eq!(error(&long), Err(format!("{failed}: {}…", "é".repeat(200))));
    }
}
