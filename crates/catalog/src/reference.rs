//! The settings of parts in words: key, type, default, range and meaning, as
//! their types and doc comments say.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

/// One part, or one section that is always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The name that a configuration chooses it by; empty for a section without choice.
    pub name: String,
    /// One line on it.
    pub summary: String,
    /// Its settings, sorted by key.
    pub settings: Vec<Setting>,
}

/// One setting of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key; keys of a table within are joined by dots.
    pub key: String,
    /// What values it takes: `number`, `"hard" or "soft"`.
    pub values: String,
    /// Its default as TOML; `required`, or `not set` if it is nothing by default.
    pub default: String,
    /// `at least 0`, `0 to 1`; empty if any value of its type will do.
    pub range: String,
    /// What it does.
    pub meaning: String,
}

/// What a type of settings says of itself: a page for each part that it can be.
///
/// ```
/// use counterpoint_catalog::pages;
///
/// /// Moves along.
/// #[derive(schemars::JsonSchema, serde::Deserialize)]
/// #[serde(tag = "name", rename_all = "lowercase")]
/// enum Mover {
///     /// By steps.
///     Steps {
///         /// How far.
///         #[schemars(range(min = 0))]
///         length: f64,
///     },
/// }
///
/// let pages = pages::<Mover>();
/// assert_eq!((pages[0].name.as_str(), pages[0].summary.as_str()), ("steps", "By steps."));
/// let setting = &pages[0].settings[0];
/// assert_eq!([&setting.key, &setting.values, &setting.default], ["length", "number", "required"]);
/// assert_eq!([&setting.range, &setting.meaning], ["at least 0", "How far."]);
/// ```
pub fn pages<T: JsonSchema>() -> Vec<Page> {
    let root = SchemaGenerator::default().into_root_schema_for::<T>().to_value();
    let reader = Reader::new(&root);
    match choices(&root) {
        Some(parts) => parts.iter().map(|part| reader.page(part)).collect(),
        None => vec![reader.page(&root)],
    }
}

/// The parts that a schema lets one choose from by name.
fn choices(schema: &Value) -> Option<&Vec<Value>> {
    let parts = schema.get("oneOf")?.as_array()?;
    parts.iter().all(|part| part.pointer("/properties/name/const").is_some()).then_some(parts)
}

/// Reads schemas that refer to definitions.
pub(crate) struct Reader<'a> {
    root: &'a Value,
    definitions: Option<&'a Map<String, Value>>,
}

impl<'a> Reader<'a> {
    /// A reader of a whole schema.
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root, definitions: root.get("$defs").and_then(Value::as_object) }
    }

    /// The schemas that together describe a table: of several kinds, that which the table says it is.
    pub(crate) fn describing<'s>(&'s self, schema: &'s Value, table: &toml::Table) -> Vec<&'s Value> {
        let is_one = |one: &&Value| {
            let keys = one.get("properties").and_then(Value::as_object).into_iter().flatten();
            let mut constants = keys.filter_map(|(key, of)| Some((key, of.get("const")?.as_str()?)));
            constants.all(|(key, is)| table.get(key).and_then(toml::Value::as_str) == Some(is))
                && one.get("type").is_some_and(|kind| kind == "object")
        };
        let Some(one) = self.tables(schema).into_iter().find(is_one) else { return Vec::new() };
        // A table that says which it is may refer to its other keys.
        let further = self.resolved(one);
        if std::ptr::eq(further, one) { vec![one] } else { vec![one, further] }
    }

    /// The schemas of all tables that a value may be.
    fn tables<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        if schema.get("properties").is_some() {
            return vec![schema];
        }
        let schema = self.resolved(schema);
        let of = |key: &str| schema.get(key).and_then(Value::as_array);
        match of("oneOf").or_else(|| of("anyOf")) {
            Some(list) => list.iter().flat_map(|one| self.tables(one)).collect(),
            None => vec![schema],
        }
    }

    fn page(&self, schema: &Value) -> Page {
        let name = schema.pointer("/properties/name/const").and_then(Value::as_str).unwrap_or_default();
        let mut settings = Vec::new();
        self.collect("", schema, &mut settings);
        Page { name: name.into(), summary: text(schema, "description"), settings }
    }

    /// The settings of a table, and of the tables in it.
    fn collect(&self, prefix: &str, table: &Value, settings: &mut Vec<Setting>) {
        self.collect_own(prefix, table, settings);
        // A table that says which it is may refer to its other keys.
        let further = self.resolved(table);
        if !std::ptr::eq(further, table) {
            self.collect_own(prefix, further, settings);
        }
    }

    fn collect_own(&self, prefix: &str, table: &Value, settings: &mut Vec<Setting>) {
        let required = |key: &str| {
            let list = table.get("required").and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|of| of == key))
        };
        let properties = table.get("properties").and_then(Value::as_object);
        for (key, schema) in properties.into_iter().flatten() {
            let plain = self.resolved(schema);
            let path = format!("{prefix}{key}");
            // What says which table it is has been said of the table.
            if plain.get("const").is_some() {
                continue;
            }
            if plain.get("properties").is_some() && choices(plain).is_none() {
                self.collect(&format!("{path}."), plain, settings);
                continue;
            }
            let default = match schema.get("default") {
                Some(Value::Null) | None if !required(key) => "not set".into(),
                None => "required".into(),
                Some(value) => toml_text(value),
            };
            let mut meaning = text(schema, "description");
            for (value, what) in self.explained(schema) {
                meaning += &format!("{}{value}: {what}", if meaning.is_empty() { "" } else { "\n" });
            }
            let kinds = self.kinds(plain);
            settings.push(Setting {
                key: path.clone(),
                values: self.values(schema),
                default,
                range: self.range(schema),
                meaning,
            });
            for (only, table) in kinds {
                let first = settings.len();
                self.collect(&format!("{path}.NAME."), table, settings);
                settings[first..].iter_mut().for_each(|s| s.meaning += &format!("\nWith {only} only."));
            }
        }
    }

    /// The tables that a table of tables may hold, if they say by a key which they are.
    fn kinds<'s>(&'s self, schema: &'s Value) -> Vec<(String, &'s Value)> {
        let each = schema.get("additionalProperties").map(|each| self.resolved(each));
        let kinds = each.and_then(|each| each.get("oneOf")).and_then(Value::as_array);
        let tagged = |table: &'s Value| {
            let keys = table.get("properties")?.as_object()?;
            let (key, tag) = keys.iter().find_map(|(key, of)| Some((key, of.get("const")?)))?;
            Some((format!("`{key} = {}`", toml_text(tag)), table))
        };
        kinds.into_iter().flatten().filter_map(tagged).collect()
    }

    /// The definition that a schema refers to, or itself.
    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some("#") => self.root,
            Some(path) => {
                path.rsplit('/').next().and_then(|name| self.definitions?.get(name)).unwrap_or(schema)
            }
            None => schema,
        }
    }

    /// The schemas that a value may follow, without that of no value.
    fn alternatives<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        let schema = self.resolved(schema);
        if choices(schema).is_some() {
            return vec![schema];
        }
        let of = |key: &str| schema.get(key).and_then(Value::as_array);
        match of("oneOf").or_else(|| of("anyOf")) {
            Some(list) => list
                .iter()
                .flat_map(|one| self.alternatives(one))
                .filter(|s| s.get("type") != Some(&"null".into()))
                .collect(),
            None => vec![schema],
        }
    }

    /// What values a setting takes.
    fn values(&self, schema: &Value) -> String {
        let mut words: Vec<String> = Vec::new();
        for one in self.alternatives(schema) {
            words
                .extend(self.words(one).into_iter().filter(|word| !words.contains(word)).collect::<Vec<_>>());
        }
        match words.split_last() {
            Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
            _ => words.concat(),
        }
    }

    fn words(&self, schema: &Value) -> Vec<String> {
        if let Some(value) = schema.get("const") {
            return vec![toml_text(value)];
        }
        if let Some(list) = schema.get("enum").and_then(Value::as_array) {
            return list.iter().filter(|value| !value.is_null()).map(toml_text).collect();
        }
        if choices(schema).is_some() {
            return vec!["table with `name` and its settings".into()];
        }
        let types = match schema.get("type") {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let word = |one: &str| match one {
            "number" => "number".into(),
            "integer" => "whole number".into(),
            "boolean" => "true or false".into(),
            "string" => "text".into(),
            "array" => match schema.get("items").map(|items| self.values(items)) {
                Some(items) => format!("list of {}", many(&items)),
                None => "list".into(),
            },
            "object" => match schema.get("additionalProperties").filter(|inner| inner.is_object()) {
                Some(inner) => format!("table of {}", many(&self.values(inner))),
                None => "table".into(),
            },
            other => other.to_owned(),
        };
        types.into_iter().filter(|one| *one != "null").map(word).collect()
    }

    /// Values that stand for something, with what they stand for.
    fn explained(&self, schema: &Value) -> Vec<(String, String)> {
        let explained = |one: &&Value| {
            let what = text(one, "description");
            Some((toml_text(one.get("const")?), what)).filter(|(_, what)| !what.is_empty())
        };
        self.alternatives(schema).iter().filter_map(explained).collect()
    }

    fn range(&self, schema: &Value) -> String {
        let all = std::iter::once(schema).chain(self.alternatives(schema));
        let bounds = |one: &Value| {
            let number = |key: &str| one.get(key).filter(|value| value.is_number()).map(Value::to_string);
            let whole =
                one.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint"));
            let low = number("minimum").filter(|low| !(whole && low == "0"));
            match (low, number("exclusiveMinimum"), number("maximum"), number("exclusiveMaximum")) {
                (Some(low), _, Some(high), _) => format!("{low} to {high}"),
                (Some(low), _, _, Some(high)) => format!("at least {low}, below {high}"),
                (Some(low), ..) => format!("at least {low}"),
                (_, Some(low), Some(high), _) => format!("above {low}, at most {high}"),
                (_, Some(low), ..) => format!("above {low}"),
                (_, _, Some(high), _) => format!("at most {high}"),
                _ => String::new(),
            }
        };
        all.map(bounds).find(|words| !words.is_empty()).unwrap_or_default()
    }
}

fn text(schema: &Value, key: &str) -> String {
    // Doc comments break lines where the source does, and link to items.
    let plain =
        schema.get(key).and_then(Value::as_str).unwrap_or_default().replace("[`", "`").replace("`]", "`");
    let paragraphs = plain.split("\n\n");
    paragraphs.map(|p| p.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

/// The plural of words for values.
fn many(words: &str) -> String {
    if ["number", "text", "table"].iter().any(|end| words.ends_with(end)) {
        format!("{words}s")
    } else if let Some(rest) = words.strip_prefix("table with") {
        format!("tables with{rest}")
    } else {
        words.to_owned()
    }
}

/// A value as TOML writes it.
fn toml_text(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let entries: Vec<String> =
                table.iter().map(|(key, value)| format!("{key} = {}", toml_text(value))).collect();
            if entries.is_empty() { "{}".into() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        Value::Array(list) => format!("[{}]", list.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
