//! `create alert-provider`.

use clap::Args;

use super::{Context, Name, Objects};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    name: Name,
    /// What takes the notifications, such as slack or github
    #[arg(long = "type", default_value = "")]
    provider_type: String,
    /// Channel that messages are posted to
    #[arg(long, default_value = "")]
    channel: String,
    /// Name that messages are posted under
    #[arg(long, default_value = "")]
    username: String,
    /// Address that notifications are sent to
    #[arg(long, default_value = "")]
    address: String,
    /// Secret with an address or a token
    #[arg(long, default_value = "")]
    secret_ref: String,
}

impl Objects for Flags {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.provider_type.is_empty() {
            return Err(Failure::usage("Provider type is required"));
        }
        let object = context
            .object("notification.toolkit.fluxcd.io/v1beta3", "Provider")
            .with("/spec/address", self.address.as_str())
            .with("/spec/channel", self.channel.as_str())
            .with("/spec/secretRef/name", self.secret_ref.as_str())
            .with("/spec/type", self.provider_type.as_str())
            .with("/spec/username", self.username.as_str());
        Ok(vec![object])
    }
}
