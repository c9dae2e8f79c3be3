//! The implementation that the derive writes.

use heck::ToKebabCase;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, LitStr, Path, Result, parse_quote};

use crate::attributes::{Attributes, complaint};
use crate::shape::Shape;

/// `krate` is where `switchboard-events` is found, unless an attribute knows better.
pub(crate) fn event(input: &DeriveInput, krate: Path) -> Result<TokenStream> {
    let attributes = Attributes::read(&input.attrs)?;
    let krate = attributes.krate.unwrap_or(krate);
    let ident = &input.ident;

    if let Some(lifetime) = input.generics.lifetimes().next() {
        return Err(Error::new(
            lifetime.span(),
            "an event owns what it carries: it may wait in a queue",
        ));
    }
    let name = attributes.name.unwrap_or_else(|| {
        let name = ident.unraw().to_string().to_kebab_case();
        LitStr::new(&name, ident.span())
    });
    if let Some(complaint) = complaint(&name.value()) {
        return Err(Error::new(name.span(), complaint));
    }

    let ack = attributes
        .ack
        .unwrap_or_else(|| parse_quote!(#krate::NoAck));
    let Shape { variant, arguments } = Shape::of(input)?;

    let mut generics = input.generics.clone();
    if generics.type_params().next().is_some() {
        // What the trait asks of `Self`, which a generic type has only for some parameters.
        let (_, of_type, _) = input.generics.split_for_impl();
        let bound = parse_quote!(#ident #of_type: #krate::__private::Carried);
        generics.make_where_clause().predicates.push(bound);
    }
    let (of_impl, of_type, bounds) = generics.split_for_impl();

    Ok(quote! {
        #[automatically_derived]
        impl #of_impl #krate::Event for #ident #of_type #bounds {
            const NAME: &'static str = #name;
            const SHAPE: #krate::Shape = #krate::Shape::#variant;
            type Ack = #ack;
            type Arguments = #arguments;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(input: &DeriveInput) -> String {
        let expanded = event(input, parse_quote!(::root)).expect("it is an event");
        expanded.to_string()
    }

    fn complaint_about(input: &DeriveInput) -> String {
        let error = event(input, parse_quote!(::root)).expect_err("it is no event");
        error.to_string()
    }

    #[test]
    fn names_of_socket_io_are_refused() {
        for name in [
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
        ] {
            let said = complaint_about(&parse_quote!(
                #[event(name = #name)]
                struct Said;
            ));
            assert!(said.contains(&format!("keeps the name `{name}`")), "{said}");
        }
        let derived = complaint_about(&parse_quote!(
            struct Connect;
        ));
        assert!(derived.contains("keeps the name `connect`"), "{derived}");
    }

    #[test]
    fn what_is_no_event_is_told_why() {
        let about: [(DeriveInput, &str); 6] = [
            (
                parse_quote!(
                    #[event(name = "")]
                    struct Said;
                ),
                "an event needs a name",
            ),
            (
                parse_quote!(
                    #[event(nam = "x")]
                    struct Said;
                ),
                "expected `name = \"…\"`",
            ),
            (
                parse_quote!(
                    #[event(ack = u8, ack = u8)]
                    struct Said;
                ),
                "is said twice",
            ),
            (
                parse_quote!(
                    #[event(name = 7)]
                    struct Said;
                ),
                "expected string literal",
            ),
            (
                parse_quote!(
                    struct Said<'a>(&'a str);
                ),
                "an event owns what it carries",
            ),
            (
                parse_quote!(union Said { a: u8, b: i8 }),
                "a union is no event",
            ),
        ];
        for (input, why) in &about {
            let said = complaint_about(input);
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn names_are_kebab_case_without_the_r_of_raw_identifiers() {
        let names: [(DeriveInput, &str); 4] = [
            (
                parse_quote!(
                    struct UserJoined;
                ),
                "\"user-joined\"",
            ),
            (
                parse_quote!(
                    struct HTTPReady2;
                ),
                "\"http-ready2\"",
            ),
            (
                parse_quote!(
                    struct r#move;
                ),
                "\"move\"",
            ),
            (
                parse_quote!(
                    #[event(name = "user_joined")]
                    struct Said;
                ),
                "\"user_joined\"",
            ),
        ];
        for (input, name) in &names {
            let expanded = expanded(input);
            assert!(expanded.contains(&format!("str = {name} ;")), "{expanded}");
        }
    }

    #[test]
    fn the_crate_can_be_elsewhere() {
        let expanded = expanded(&parse_quote!(
            #[event(crate = crate::deep::events)]
            struct Said;
        ));
        assert!(
            expanded.contains("impl crate :: deep :: events :: Event for Said"),
            "{expanded}"
        );
        assert!(!expanded.contains("root"), "{expanded}");
    }
}
