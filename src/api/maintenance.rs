//! `MaintenanceService`: checks and exports as streams that tell how far they have come.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, stream};
use tonic::{Request, Response, Status};

use super::{Api, status::status};
use crate::{
    ledger::audit,
    proto::v1::{self, maintenance_service_server::MaintenanceService},
    service::{Error, Exporting, Service, Verifying},
};

/// Steps of a check between two answers.
const STEPS_PER_ANSWER: usize = 20;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl MaintenanceService for Api {
    type VerifyStream = Answers<v1::VerifyResponse>;
    type ExportStream = Answers<v1::ExportResponse>;

    async fn verify(&self, _: Request<v1::VerifyRequest>) -> Result<Response<Self::VerifyStream>, Status> {
        let steps = stream::unfold(Verify::Asked(Arc::clone(&self.service)), |verify| async {
            let (answer, next) = verify.answer().await?;
            Some((answer, next))
        });
        Ok(Response::new(answers(steps)))
    }

    async fn export(&self, _: Request<v1::ExportRequest>) -> Result<Response<Self::ExportStream>, Status> {
        let steps = stream::unfold(Export::Asked(Arc::clone(&self.service)), |export| async {
            let (answer, next) = export.answer().await?;
            Some((answer, next))
        });
        Ok(Response::new(answers(steps)))
    }
}

fn answers<T: 'static>(steps: impl Stream<Item = Result<T, Error>> + Send + 'static) -> Answers<T> {
    Box::pin(steps.map(|answer| answer.map_err(|error| status(&error))))
}

/// A check, between two answers.
enum Verify {
    Asked(Arc<Service>),
    Under(Box<Verifying>),
    Ended,
}

impl Verify {
    async fn answer(self) -> Option<(Result<v1::VerifyResponse, Error>, Self)> {
        let begun = match self {
            Self::Asked(service) => service.verify().await.map(Box::new),
            Self::Under(verifying) => Ok(verifying),
            Self::Ended => return None,
        };
        let mut verifying = match begun {
            Ok(verifying) => verifying,
            Err(error) => return Some((Err(error), Self::Ended)),
        };
        for _ in 0..STEPS_PER_ANSWER {
            match verifying.step().await {
                Ok(true) => {}
                Ok(false) => return Some((Ok((&verifying.finish()).into()), Self::Ended)),
                Err(error) => return Some((Err(error), Self::Ended)),
            }
        }
        Some((Ok(so_far(verifying.progress())), Self::Under(verifying)))
    }
}

/// An export, between two answers.
enum Export {
    Asked(Arc<Service>),
    Under(Exporting),
    Ended,
}

impl Export {
    async fn answer(self) -> Option<(Result<v1::ExportResponse, Error>, Self)> {
        let begun = match self {
            Self::Asked(service) => service.export().await,
            Self::Under(exporting) => Ok(exporting),
            Self::Ended => return None,
        };
        let mut exporting = match begun {
            Ok(exporting) => exporting,
            Err(error) => return Some((Err(error), Self::Ended)),
        };
        match exporting.step().await {
            Ok(Some(lines)) => {
                let accounts = exporting.totals().accounts.cast_signed();
                Some((Ok(v1::ExportResponse { lines, accounts }), Self::Under(exporting)))
            }
            Ok(None) => None,
            Err(error) => Some((Err(error), Self::Ended)),
        }
    }
}

/// The answer when everything has been read.
impl From<&audit::Report> for v1::VerifyResponse {
    fn from(report: &audit::Report) -> Self {
        let difference = |difference: &audit::Difference| v1::Difference {
            account: difference.account.to_string(),
            place: difference.place.clone(),
            message: difference.text.clone(),
        };
        Self { done: true, differences: report.found.iter().map(difference).collect(), ..so_far(report) }
    }
}

fn so_far(report: &audit::Report) -> v1::VerifyResponse {
    v1::VerifyResponse {
        done: false,
        accounts: report.accounts.cast_signed(),
        pools: report.pools.cast_signed(),
        budgets: report.budgets.cast_signed(),
        reservations: report.reservations.cast_signed(),
        open_holds: report.open_holds.cast_signed(),
        entries: report.entries.cast_signed(),
        documents: report.documents.cast_signed(),
        difference_count: report.differences.cast_signed(),
        differences: Vec::new(),
    }
}
