//! Messages for NATS.

use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use url::Url;

use super::{Event, NotifyError, Target};

/// The port without one in the address.
const PORT: u16 = 4222;

/// A message for NATS. It holds secrets, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Publication {
    /// The servers, any of which takes the message.
    pub servers: Vec<Server>,
    /// What the message is published under.
    pub subject: String,
    /// Tells a second delivery from a second message: JetStream drops the former.
    pub id: String,
    /// The message.
    pub payload: Vec<u8>,
}

/// A server of NATS and the login to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is only talked to in private.
    pub is_tls: bool,
    /// How one logs in.
    pub login: Login,
}

/// How one logs in to NATS.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    None,
    /// With a name and a password.
    Password(String, String),
    /// With a token.
    Token(String),
    /// With a key, of which this is the seed.
    Key(String),
    /// With a JWT and the seed of the key that it is for.
    Jwt(String, String),
}

/// The message with an event: the same JSON that generic providers get.
pub(super) fn publication(target: &Target, event: &Event) -> Result<Publication, NotifyError> {
    if target.address.is_empty() {
        return Err(NotifyError::Empty("NATS server (address)"));
    }
    let subject = target.channel.trim();
    if subject.is_empty() {
        return Err(NotifyError::Empty("NATS subject (channel)"));
    }
    // White space would end the subject, and a line feed would start another command.
    if subject.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err(NotifyError::Setting("the NATS subject (channel) contains white space".to_owned()));
    }
    let payload = serde_json::to_vec(event).map_err(|failure| NotifyError::Payload(failure.to_string()))?;
    let mut digest = Sha256::new();
    for part in [&*target.provider_uid, &*target.alert.uid, subject] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest.update(&payload);
    let id = digest.finalize().iter().take(16).fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
    let login = login(target)?;
    let servers = target.address.split(',').map(|address| server(address.trim(), &login));
    Ok(Publication { servers: servers.collect::<Result<_, _>>()?, subject: subject.to_owned(), id, payload })
}

/// The login that the secret gives. Credentials come before keys, and keys before passwords.
fn login(target: &Target) -> Result<Login, NotifyError> {
    if !target.credentials.is_empty() {
        let (jwt, seed) = parts(&target.credentials).ok_or_else(|| {
            let message =
                "the key 'creds' of the secret has to hold a JWT and the seed of a key, as nsc writes them";
            NotifyError::Setting(message.to_owned())
        })?;
        return Ok(Login::Jwt(jwt, seed));
    }
    if !target.nkey.is_empty() {
        return Ok(Login::Key(target.nkey.clone()));
    }
    if !target.username.is_empty() && !target.password.is_empty() {
        return Ok(Login::Password(target.username.clone(), target.password.clone()));
    }
    Ok(Login::None)
}

/// The JWT and the seed in a file of credentials, each between two lines of dashes.
fn parts(credentials: &str) -> Option<(String, String)> {
    let mut lines = credentials.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut next = || {
        lines.by_ref().find(|line| line.starts_with("---"))?;
        let part = lines.next().filter(|line| !line.starts_with("---"))?;
        lines.next().filter(|line| line.starts_with("---"))?;
        Some(part.to_owned())
    };
    Some((next()?, next()?))
}

/// Reads the address of a server. A login in it comes before the password of the secret.
fn server(address: &str, login: &Login) -> Result<Server, NotifyError> {
    let wrong = || NotifyError::Address { provider: "NATS".to_owned() };
    let url = if address.contains("://") { address.to_owned() } else { format!("nats://{address}") };
    let url = Url::parse(&url).map_err(|_| wrong())?;
    let is_tls = match url.scheme() {
        "nats" => false,
        "tls" => true,
        other => {
            let message = format!("NATS is reached by the schemes nats and tls, '{other}' is not supported");
            return Err(NotifyError::Setting(message));
        }
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let login = match (login, url.username(), url.password()) {
        (Login::None | Login::Password(..), user, Some(password)) if !user.is_empty() => {
            Login::Password(decoded(user), decoded(password))
        }
        (Login::None | Login::Password(..), token, None) if !token.is_empty() => Login::Token(decoded(token)),
        _ => login.clone(),
    };
    Ok(Server { host, port: url.port().unwrap_or(PORT), is_tls, login })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(address: &str) -> Target {
        Target {
            provider: "nats".to_owned(),
            address: address.to_owned(),
            channel: "flux.alerts".to_owned(),
            ..Target::default()
        }
    }

    fn places(address: &str) -> Result<Vec<(String, u16, bool)>, NotifyError> {
        let publication = publication(&target(address), &Event::default())?;
        Ok(publication.servers.into_iter().map(|server| (server.host, server.port, server.is_tls)).collect())
    }

    #[test]
    fn addresses_name_servers() -> Result<(), NotifyError> {
        let server = |host: &str, port, is_tls| (host.to_owned(), port, is_tls);
        assert_eq!(places("nats://a.example")?, [server("a.example", 4222, false)]);
        assert_eq!(
            places("a.example:1, tls://b.example:2,[::1]")?,
            [server("a.example", 1, false), server("b.example", 2, true), server("[::1]", 4222, false)]
        );
        for wrong in ["wss://a.example", "http://a.example", "nats://", "nats:// x", "a,,b"] {
            assert!(places(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn the_subject_is_one_word() {
        for wrong in ["", " ", "a b", "a\r\nPUB b 0", "a\tb", "a\u{7f}b"] {
            let target = Target { channel: wrong.to_owned(), ..target("nats://a.example") };
            assert!(publication(&target, &Event::default()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn logins_in_their_order() -> Result<(), NotifyError> {
        let credentials = "-----BEGIN NATS USER JWT-----\neyJ0.x.y\n------END NATS USER JWT------\n\n\
            ************************* IMPORTANT *************************\nkeep it\n\n\
            -----BEGIN USER NKEY SEED-----\nSUA\n------END USER NKEY SEED------\n";
        let login =
            |target: &Target| publication(target, &Event::default()).map(|one| one.servers[0].login.clone());
        let mut target = target("nats://a.example");
        assert!(login(&target)? == Login::None);
        target.username = "me".to_owned();
        assert!(login(&target)? == Login::None);
        target.password = "secret".to_owned();
        assert!(login(&target)? == Login::Password("me".to_owned(), "secret".to_owned()));
        target.address = "nats://you:s%2Fx@a.example".to_owned();
        assert!(login(&target)? == Login::Password("you".to_owned(), "s/x".to_owned()));
        target.address = "nats://token@a.example".to_owned();
        assert!(login(&target)? == Login::Token("token".to_owned()));
        target.nkey = "SUA".to_owned();
        assert!(login(&target)? == Login::Key("SUA".to_owned()));
        target.credentials = credentials.to_owned();
        assert!(login(&target)? == Login::Jwt("eyJ0.x.y".to_owned(), "SUA".to_owned()));
        target.credentials = "eyJ0.x.y".to_owned();
        assert!(login(&target).is_err());
        Ok(())
    }

    #[test]
    fn a_second_delivery_has_the_same_id() -> Result<(), NotifyError> {
        let (target, event) = (target("nats://a.example"), Event::default());
        let id = |event: &Event| publication(&target, event).map(|publication| publication.id);
        assert_eq!(id(&event)?, id(&event)?);
        assert_ne!(id(&event)?, id(&Event { message: "other".to_owned(), ..event.clone() })?);
        Ok(())
    }
}
