//! How a type spreads over the arguments of an event.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Meta, Result, Token};

pub(crate) struct Shape {
    /// A variant of `switchboard_events::Shape`.
    pub(crate) variant: TokenStream,
    /// The tuple of the arguments' types.
    pub(crate) arguments: TokenStream,
}

impl Shape {
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let fields = match &input.data {
            Data::Struct(data) => &data.fields,
            Data::Enum(_) => return Ok(Self::whole()),
            Data::Union(data) => {
                return Err(Error::new(
                    data.union_token.span,
                    "a union is no event: serde cannot read it",
                ));
            }
        };
        Ok(match fields {
            Fields::Named(_) => Self::whole(),
            Fields::Unnamed(_) if has_own_form(&input.attrs) => Self::whole(),
            Fields::Unnamed(fields) => {
                let types = fields.unnamed.iter().filter(|it| !is_skipped(it));
                let types = types.map(|field| &field.ty);
                Self {
                    variant: quote!(Fields),
                    arguments: quote!((#(#types,)*)),
                }
            }
            Fields::Unit => Self {
                variant: quote!(Empty),
                arguments: quote!(()),
            },
        })
    }

    fn whole() -> Self {
        Self {
            variant: quote!(Whole),
            arguments: quote!((Self,)),
        }
    }
}

/// Whether serde is told to read and write a type as something else.
fn has_own_form(attributes: &[Attribute]) -> bool {
    ["into", "from", "try_from", "transparent"]
        .iter()
        .any(|word| serde_says(attributes, word))
}

fn is_skipped(field: &Field) -> bool {
    serde_says(&field.attrs, "skip")
}

/// Whether `#[serde(word)]` or `#[serde(word = …)]` is there. Serde's own derive complains about what
/// is malformed.
fn serde_says(attributes: &[Attribute], word: &str) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .filter_map(|attribute| {
            let list = Punctuated::<Meta, Token![,]>::parse_terminated;
            attribute.parse_args_with(list).ok()
        })
        .flatten()
        .any(|meta| meta.path().is_ident(word))
}
