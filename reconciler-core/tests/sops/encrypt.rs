//! Encrypting documents as SOPS does.

use std::error::Error;
use std::io::Write as _;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U32;
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::aes::Aes256;
use age::secrecy::ExposeSecret as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha512};

/// A text, or why there is none.
pub(crate) type Text = Result<String, Box<dyn Error + Send + Sync>>;

/// When the documents were encrypted.
const MODIFIED: &str = "2026-11-29T00:00:00Z";

/// A private key, and the key of the documents that are encrypted for it.
pub(crate) struct Encrypted {
    identity: age::x25519::Identity,
    key: [u8; 32],
}

impl Encrypted {
    /// New keys.
    pub(crate) fn new() -> Self {
        Encrypted { identity: age::x25519::Identity::generate(), key: [7; 32] }
    }

    /// The private key as a file.
    pub(crate) fn key_file(&self) -> String {
        format!("# a comment\n{}\n", self.identity.to_string().expose_secret())
    }

    fn value(&self, plain: &str, kind: &str, context: &str) -> Text {
        let cipher = AesGcm::<Aes256, U32>::new_from_slice(&self.key)?;
        let nonce = [3; 32];
        let payload = Payload { msg: plain.as_bytes(), aad: context.as_bytes() };
        let sealed = cipher
            .encrypt(GenericArray::from_slice(&nonce), payload)
            .map_err(|failure| failure.to_string())?;
        let (data, tag) = sealed.split_at(sealed.len() - 16);
        let encode = |bytes: &[u8]| BASE64.encode(bytes);
        Ok(format!(
            "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{kind}]",
            encode(data),
            encode(&nonce),
            encode(tag)
        ))
    }

    /// The MAC of values, encrypted.
    fn mac<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Text {
        let mut hash = Sha512::new();
        for value in values {
            hash.update(value);
        }
        let mac: String = hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect();
        self.value(&mac, "str", MODIFIED)
    }

    /// The key of the documents, encrypted.
    fn sealed_key(&self) -> Text {
        let mut armored = Vec::new();
        let recipients = self.identity.to_public();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipients as &dyn age::Recipient))?;
        let armor = age::armor::ArmoredWriter::wrap_output(&mut armored, age::armor::Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(&self.key)?;
        writer.finish()?.finish()?;
        Ok(String::from_utf8(armored)?)
    }

    /// A Secret of which `user` and `count` are encrypted, as `admin` and 3.
    pub(crate) fn secret(&self, name: &str) -> Text {
        self.resource(name, &[("user", "admin", "str"), ("count", "3", "int")])
    }

    /// A Secret with these values, each with its type.
    pub(crate) fn resource(&self, name: &str, values: &[(&str, &str, &str)]) -> Text {
        let mut data = String::new();
        for (key, value, kind) in values {
            let sealed = self.value(value, kind, &format!("stringData:{key}:"))?;
            data.push_str(&format!("  {key}: {sealed}\n"));
        }
        let all = ["v1", "Secret", name].into_iter().chain(values.iter().map(|(_, value, _)| *value));
        Ok(format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\nstringData:\n{data}sops:\n  age:\n  - \
             recipient: {}\n    enc: |\n      {}\n  lastmodified: \"{MODIFIED}\"\n  mac: {}\n  encrypted_regex: \
             ^stringData$\n",
            self.identity.to_public(),
            self.sealed_key()?.replace('\n', "\n      ").trim_end(),
            self.mac(all)?,
        ))
    }

    /// Lines with these values.
    pub(crate) fn dotenv(&self, values: &[(&str, &str)]) -> Text {
        let mut text = String::new();
        for (key, value) in values {
            text.push_str(&format!("{key}={}\n", self.value(value, "str", &format!("{key}:"))?));
        }
        text.push_str(&format!(
            "sops_age__list_0__map_recipient={}\nsops_age__list_0__map_enc={}\nsops_lastmodified={MODIFIED}\n\
             sops_mac={}\nsops_unencrypted_suffix=_unencrypted\n",
            self.identity.to_public(),
            self.sealed_key()?.replace('\n', "\\n"),
            self.mac(values.iter().map(|(_, value)| *value))?,
        ));
        Ok(text)
    }

    /// Any bytes, here those of a text.
    pub(crate) fn binary(&self, content: &str) -> Text {
        Ok(format!(
            "{{\n\t\"data\": \"{}\",\n\t\"sops\": {{\n\t\t\"age\": [{{\"recipient\": \"{}\", \"enc\": \"{}\"}}],\n\
             \t\t\"lastmodified\": \"{MODIFIED}\",\n\t\t\"mac\": \"{}\"\n\t}}\n}}\n",
            self.value(content, "str", "data:")?,
            self.identity.to_public(),
            self.sealed_key()?.replace('\n', "\\n"),
            self.mac([content])?,
        ))
    }
}
