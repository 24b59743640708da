//! The language of an answer, which is part of its key: Persian, English or Arabic by
//! `Accept-Language`, English for all others.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

/// A language that names exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locale {
    English,
    Persian,
    Arabic,
}

impl Locale {
    /// The part of the key, and of the answer.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Persian => "fa",
            Self::Arabic => "ar",
        }
    }

    /// The way that its text runs.
    pub(super) const fn direction(self) -> &'static str {
        match self {
            Self::English => "ltr",
            Self::Persian | Self::Arabic => "rtl",
        }
    }

    /// The column that holds its names.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::English => "name_en",
            Self::Persian => "name_fa",
            Self::Arabic => "name_ar",
        }
    }

    /// The first known language of the header: clients write their favourite first.
    fn of(header: &str) -> Self {
        let languages = header.split(',').map(|one| one.trim().get(..2).unwrap_or_default());
        let known = languages.filter_map(|language| match language {
            "en" => Some(Self::English),
            "fa" => Some(Self::Persian),
            "ar" => Some(Self::Arabic),
            _ => None,
        });
        known.into_iter().next().unwrap_or(Self::English)
    }
}

impl<S: Sync> FromRequestParts<S> for Locale {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(header.map_or(Self::English, Self::of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_is_taken() {
        for (header, locale) in [
            ("fa-IR, en;q=0.5", Locale::Persian),
            ("de, ar;q=0.9, en;q=0.8", Locale::Arabic),
            ("de", Locale::English),
            ("", Locale::English),
            ("é", Locale::English),
        ] {
            assert_eq!(Locale::of(header), locale, "{header}");
        }
    }
}
