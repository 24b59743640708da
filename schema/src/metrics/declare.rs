//! The macro by which the long tables of names declare each metric in one line.

/// Declares each metric once: a constant whose documentation is its help, and its place in the list.
macro_rules! metrics {
    ($(#[$list_doc:meta])* $list:ident; $($kind:ident $constant:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: Metric = Metric::$kind($name, $help, &[$($label),*]);)+
        $(#[$list_doc])*
        pub const $list: &[Metric] = &[$($constant),+];
    };
}

pub(super) use metrics;
