//! The derive macro of `switchboard-events`.
//!
//! Use it through that crate: `switchboard_events::Event` is the trait and this macro in one name, and
//! its documentation says what the macro makes of which type.
//!
//! Inside, `attributes` reads `#[event(…)]`, `shape` says how a type spreads over arguments, and
//! `expand` writes the implementation.

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input, parse_quote};

mod attributes;
mod expand;
mod shape;

/// Makes a type an event; see the trait `switchboard_events::Event`.
///
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::event(&input, parse_quote!(::switchboard_events))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// The same for those who know the trait as `switchboard::events::Event`, through the facade.
#[doc(hidden)]
#[proc_macro_derive(FacadeEvent, attributes(event))]
pub fn derive_facade_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::event(&input, parse_quote!(::switchboard::events))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
