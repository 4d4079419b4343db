//! `stipend reservation`: what is held, and what became of it.

use clap::{Args, Subcommand, ValueEnum};

use super::{
    client::{Client, To},
    exit::Exit,
    show,
};
use crate::proto::v1::{self, reservation::State as Wire};

/// Show reservations: open holds, and for a day those that ended
#[derive(Debug, Args)]
pub struct Reservation {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Get(Get),
    List(List),
}

/// Show one reservation
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend reservation get acme reply-17")]
struct Get {
    /// The account
    account: String,

    /// The reservation's id
    reservation: String,

    #[command(flatten)]
    to: To,
}

/// List the reservations of an account in the order of their ids
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend reservation list acme --state active")]
struct List {
    /// The account
    account: String,

    /// Only those in this state
    #[arg(long, value_enum)]
    state: Option<State>,

    /// Most rows
    #[arg(long, default_value_t = 1_000, value_name = "ROWS")]
    limit: usize,

    #[command(flatten)]
    to: To,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Active,
    Committed,
    Released,
    Expired,
}

impl Reservation {
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Get(get) => get.run(),
            Command::List(list) => list.run(),
        }
    }
}

impl Get {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, reservation, to } = self;
        to.talk(async |client: Client| {
            let request = v1::GetReservationRequest { account: account.clone(), reservation_id: reservation };
            let answer = client.call(request).await?;
            let zone = client.zone(&account).await;
            client.out().answer::<v1::GetReservationRequest>(&answer, || show::reservation(&answer, &zone))?;
            Ok(Exit::Done)
        })
    }
}

impl List {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, state, limit, to } = self;
        to.talk(async |client: Client| {
            let state = match state {
                None => Wire::Unspecified,
                Some(State::Active) => Wire::Active,
                Some(State::Committed) => Wire::Committed,
                Some(State::Released) => Wire::Released,
                Some(State::Expired) => Wire::Expired,
            };
            let request = |page_size, page_token| v1::ListReservationsRequest {
                account: account.clone(),
                state: state.into(),
                page_size,
                page_token,
            };
            let rows = |answer: v1::ListReservationsResponse| (answer.reservations, answer.next_page_token);
            let listed = client.list("listing reservations", limit, request, rows).await?;
            let zone = client.zone(&account).await;
            listed.tell_of_more();
            let answer =
                v1::ListReservationsResponse { reservations: listed.rows, next_page_token: listed.next_page_token };
            let text = || show::reservations(&answer.reservations, &zone);
            client.out().answer::<v1::ListReservationsRequest>(&answer, text)?;
            Ok(Exit::Done)
        })
    }
}
