//! How a folder of parts lists them.

/// Says which parts of a kind come with this project: for each a file with its
/// settings. Makes its public names those of the folder, and the trait of the
/// settings a [`Kind`](counterpoint_catalog::Kind).
macro_rules! parts {
    ($settings:ident, $noun:literal: $($file:ident::$part:ident),+ $(,)?) => {
        $(
            #[allow(unused_imports, reason = "a file may have several parts")]
            pub use $file::*;
        )+

        impl counterpoint_catalog::Kind for dyn $settings {
            const NOUN: &'static str = $noun;

            fn built_in() -> counterpoint_catalog::Catalog<Self> {
                counterpoint_catalog::Catalog::default()$(.with::<$file::$part>())+
            }
        }

        impl<S: counterpoint_catalog::Settings + $settings> counterpoint_catalog::Takes<S> for dyn $settings {
            fn take(settings: S) -> std::sync::Arc<Self> {
                std::sync::Arc::new(settings)
            }
        }
    };
}

/// Lets every module that implements a trait be [`Boxed`](crate::model::Boxed) as it.
macro_rules! boxed {
    ($part:ident) => {
        impl<M> crate::model::IntoBoxed<dyn $part> for M
        where
            M: $part + burn::module::Module + burn::module::ModuleDisplay + 'static,
        {
            fn unsize(self: Box<Self>) -> Box<dyn $part> {
                self
            }
        }
    };
}

pub(super) use {boxed, parts};
