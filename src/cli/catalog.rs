//! `stipend catalog`: what a service sells.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    show,
};
use crate::proto::v1;

/// Show a catalog that is served: actions with their prices, and what plans give
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "they are named as the API names them")]
#[command(after_help = "Examples:\n  stipend catalog\n  stipend catalog ai-employee --catalog-version 2025-01-01")]
pub struct Catalog {
    /// The catalog; not needed when one is loaded
    #[arg(default_value = "", hide_default_value = true)]
    catalog: String,

    /// Another version than the newest
    #[arg(long, default_value = "", value_name = "VERSION", hide_default_value = true)]
    catalog_version: String,

    #[command(flatten)]
    to: To,
}

impl Catalog {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { catalog, catalog_version, to } = self;
        to.talk(async |client: Client| {
            let answer = client.call(v1::GetCatalogRequest { catalog, version: catalog_version }).await?;
            client.out().answer::<v1::GetCatalogRequest>(&answer, || show::catalog(&answer))?;
            Ok(Exit::Done)
        })
    }
}
