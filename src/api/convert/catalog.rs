//! Messages of `CatalogService`; its Quote is made of the same parts as a Reserve and lives with it.

use super::field::Field;
use crate::{
    id::{CatalogName, CatalogVersion},
    proto::v1,
    service::Error,
};

pub fn get_catalog(wire: &v1::GetCatalogRequest) -> Result<(Option<CatalogName>, Option<CatalogVersion>), Error> {
    Ok((
        Field::named("catalog").optional_id(&wire.catalog, CatalogName::parse)?,
        Field::named("version").optional_id(&wire.version, CatalogVersion::parse)?,
    ))
}
