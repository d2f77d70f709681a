//! Kinds, laid out: every attribute and field gets a number, by which records keep it and compiled expressions read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_model::{Attribute, Id, Kind, Sensitivity, Type};

/// All declared kinds. Cloning it is cheap.
#[derive(Clone, Debug, Default)]
pub struct Kinds(Arc<BTreeMap<Id, Arc<Layout>>>);

impl Kinds {
    /// Lays out kinds; of two with the same name the later one counts.
    pub fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let laid_out = kinds.into_iter().map(|kind| (kind.id.clone(), Arc::new(Layout::new(kind))));
        Self(Arc::new(laid_out.collect()))
    }

    /// The kind of that name.
    pub fn get(&self, id: &str) -> Option<&Arc<Layout>> {
        self.0.get(id)
    }

    /// All kinds by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Layout>> {
        self.0.values()
    }
}

/// A kind whose attributes have places in a record.
#[derive(Debug)]
pub struct Layout {
    kind: Kind,
    fields: Arc<Fields>,
}

impl Layout {
    /// Lays out a kind.
    pub fn new(kind: Kind) -> Self {
        let fields = Arc::new(Fields::new(Some(kind.id.clone()), &kind.attributes));
        Self { kind, fields }
    }

    /// The kind as it was declared.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(crate) fn fields(&self) -> &Arc<Fields> {
        &self.fields
    }
}

/// A type whose fields are numbered.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Bool,
    Int,
    Float,
    Text,
    Time,
    Span,
    List(Arc<Shape>),
    Map(Arc<Shape>),
    Object(Arc<Fields>),
}

/// The attributes of a kind or the fields of an object, in the order of their names.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    /// The kind whose attributes these are; none for an object inside.
    pub(crate) kind: Option<Id>,
    /// The fields by name.
    pub(crate) all: Box<[Field]>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    pub(crate) shape: Shape,
    pub(crate) references: Option<Id>,
}

impl Fields {
    fn new(kind: Option<Id>, attributes: &BTreeMap<String, Attribute>) -> Self {
        let field = |(name, attribute): (&String, &Attribute)| Field {
            name: name.as_str().into(),
            shape: Shape::of(&attribute.of),
            references: attribute.references.clone(),
        };
        Self { kind, all: attributes.iter().map(field).collect() }
    }

    /// The number of the field of that name.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.all.binary_search_by(|field| (*field.name).cmp(name)).ok()
    }

    /// The same, looked for at `likely` first: names that are written in their order come one after the other.
    pub(crate) fn place_near(&self, likely: usize, name: &str) -> Option<usize> {
        match self.all.get(likely) {
            Some(field) if *field.name == *name => Some(likely),
            Some(_) | None => self.place(name),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|field| &*field.name)
    }
}

impl Shape {
    /// A type's shape.
    pub(crate) fn of(of: &Type) -> Self {
        match of {
            Type::Bool => Self::Bool,
            Type::Int => Self::Int,
            Type::Float => Self::Float,
            Type::String => Self::Text,
            Type::Timestamp => Self::Time,
            Type::Duration => Self::Span,
            Type::List(of) => Self::List(Arc::new(Self::of(of))),
            Type::Map(of) => Self::Map(Arc::new(Self::of(of))),
            Type::Object(fields) => Self::Object(Arc::new(Fields::new(None, fields))),
        }
    }

    /// The type of this shape; what it says of fields beyond their types is not known any more.
    pub(crate) fn to_type(&self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Float => Type::Float,
            Self::Text => Type::String,
            Self::Time => Type::Timestamp,
            Self::Span => Type::Duration,
            Self::List(of) => Type::List(Box::new(of.to_type())),
            Self::Map(of) => Type::Map(Box::new(of.to_type())),
            Self::Object(fields) => {
                let attribute = |field: &Field| Attribute {
                    of: field.shape.to_type(),
                    doc: String::new(),
                    unit: None,
                    sensitivity: Sensitivity::default(),
                    references: field.references.clone(),
                };
                Type::Object(
                    fields.all.iter().map(|field| (field.name.to_string(), attribute(field))).collect(),
                )
            }
        }
    }

    /// Whether values of it are single: neither lists, maps nor objects.
    pub(crate) fn is_single(&self) -> bool {
        match self {
            Self::Bool | Self::Int | Self::Float | Self::Text | Self::Time | Self::Span => true,
            Self::List(_) | Self::Map(_) | Self::Object(_) => false,
        }
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool, Self::Bool)
            | (Self::Int, Self::Int)
            | (Self::Float, Self::Float)
            | (Self::Text, Self::Text)
            | (Self::Time, Self::Time)
            | (Self::Span, Self::Span) => true,
            (Self::List(a), Self::List(b)) | (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => {
                Arc::ptr_eq(a, b)
                    || (a.kind == b.kind
                        && a.all.len() == b.all.len()
                        && a.all.iter().zip(&b.all).all(|(a, b)| a.name == b.name && a.shape == b.shape))
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Shape {
    /// With `{:#}` an article stands before it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if f.alternate() {
            f.write_str(match self {
                Self::Int => "an ",
                Self::Object(fields) if fields.kind.is_none() => "an ",
                Self::Bool
                | Self::Float
                | Self::Text
                | Self::Time
                | Self::Span
                | Self::List(_)
                | Self::Map(_)
                | Self::Object(_) => "a ",
            })?;
        }
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Text => f.write_str("string"),
            Self::Time => f.write_str("timestamp"),
            Self::Span => f.write_str("duration"),
            Self::List(of) => write!(f, "list<{of}>"),
            Self::Map(of) => write!(f, "map<{of}>"),
            Self::Object(fields) => match &fields.kind {
                Some(kind) => write!(f, "resource of `{kind}`"),
                None => f.write_str("object"),
            },
        }
    }
}
