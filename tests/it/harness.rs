//! What every test stands on: a running Stipend, a thin client over the generated one, and short words for requests.
//! What the rules demand is the scenarios' business.

pub mod account;
pub mod call;
pub mod client;
pub mod conservation;
pub mod http;
pub mod race;
pub mod server;
pub mod world;

/// What scenarios need, in one import.
pub mod prelude {
    pub use stipend::proto::v1::{self, balance::State as Level, denial::Reason, grant::Kind, reservation::State};
    pub use tonic::Code;

    pub use super::{
        account::Account,
        call::Failure,
        client::{ItemWith, Stipend, at, budget, item, said, span},
        race::{Job, duplicates, race},
        world::{model, open, own},
    };
}
