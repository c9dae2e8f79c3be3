//! From types to the parameters of a JavaScript function.

use ts_rs::{Config, TS, TypeVisitor};

use crate::NoAck;

/// The arguments of an event whose types TypeScript knows: tuples of up to twelve [`TS`].
#[diagnostic::on_unimplemented(
    message = "TypeScript does not know the arguments `{Self}`",
    note = "derive `ts_rs::TS` on the event, or on the fields of a tuple struct; twelve fields at most"
)]
pub trait Parameters: sealed::Arguments {
    #[doc(hidden)]
    fn names(config: &Config) -> Vec<String>;

    #[doc(hidden)]
    fn visit(visitor: &mut impl TypeVisitor);
}

/// An acknowledgement whose type TypeScript knows: any [`TS`], or [`NoAck`].
#[diagnostic::on_unimplemented(
    message = "TypeScript does not know the acknowledgement `{Self}`",
    note = "derive `ts_rs::TS` on it"
)]
pub trait ReplyParameters {
    /// The parameters of the function that acknowledges; `None` where there is none.
    #[doc(hidden)]
    fn parameters(config: &Config) -> Option<String>;

    #[doc(hidden)]
    fn visit(visitor: &mut impl TypeVisitor);
}

impl<T: TS + 'static> ReplyParameters for T {
    fn parameters(config: &Config) -> Option<String> {
        let name = T::name(config);
        Some(match name.as_str() {
            // A tuple travels as its elements. Only tuples and arrays have such names; `()` is `null`
            // like a unit struct, but nothing that is named otherwise.
            _ if is::<T, ()>() => String::new(),
            tuple if tuple.starts_with('[') => format!("...reply: {name}"),
            _ => format!("reply: {name}"),
        })
    }

    fn visit(visitor: &mut impl TypeVisitor) {
        visitor.visit::<T>();
        T::visit_generics(visitor);
    }
}

impl ReplyParameters for NoAck {
    fn parameters(_: &Config) -> Option<String> {
        None
    }

    fn visit(_: &mut impl TypeVisitor) {}
}

fn is<T: 'static, U: 'static>() -> bool {
    std::any::TypeId::of::<T>() == std::any::TypeId::of::<U>()
}

macro_rules! parameters {
    ($($type:ident)*) => {
        impl<$($type: TS + 'static),*> Parameters for ($($type,)*) {
            fn names(_config: &Config) -> Vec<String> {
                vec![$($type::name(_config)),*]
            }

            fn visit(_visitor: &mut impl TypeVisitor) {
                $(
                    _visitor.visit::<$type>();
                    $type::visit_generics(_visitor);
                )*
            }
        }

        impl<$($type),*> sealed::Arguments for ($($type,)*) {}
    };
}

parameters!();
parameters!(A);
parameters!(A B);
parameters!(A B C);
parameters!(A B C D);
parameters!(A B C D E);
parameters!(A B C D E F);
parameters!(A B C D E F G);
parameters!(A B C D E F G H);
parameters!(A B C D E F G H I);
parameters!(A B C D E F G H I J);
parameters!(A B C D E F G H I J K);
parameters!(A B C D E F G H I J K L);

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals `Parameters`")]
    pub trait Arguments {}
}
