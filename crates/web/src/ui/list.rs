//! Lists: one definition of the columns makes the table, its order, its pages and its exports.

use std::borrow::Cow;
use std::cmp::Ordering;

use maud::{Markup, html};
use octro_model::{Status, Timestamp};

use super::{Icon, badge, icon, time};
use crate::{Moment, Params, WebError};

/// How many rows an export holds at most.
pub const ROWS_MAX: usize = 100_000;
/// How many rows a page shows, unless asked otherwise.
const PER_PAGE: u32 = 50;
/// How many rows a page shows at most.
const PER_PAGE_MAX: u32 = 1_000;

/// A value of a column: what it is sorted by, shown and exported as.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A count.
    Count(u64),
    /// A share from 0 to 1.
    Share(Option<f64>),
    /// A moment.
    Time(Option<Timestamp>),
    /// A status; sorted by weight.
    Status(Option<Status>),
}

impl Cell {
    /// Text.
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// The form of exports.
    fn export(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Share(share) => share.map(|share| format!("{share:.6}")).unwrap_or_default(),
            Self::Time(at) => at.map(|at| at.to_string()).unwrap_or_default(),
            Self::Status(status) => status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        }
    }

    fn show(&self, now: Timestamp) -> Markup {
        match self {
            Self::Text(text) => html! { (text) },
            Self::Count(count) => html! { (count) },
            Self::Share(share) => html! { (super::share(*share)) },
            Self::Time(None) => html! { span.muted { "never" } },
            Self::Time(Some(at)) => time(*at, now),
            Self::Status(status) => super::word(*status),
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Count(a), Self::Count(b)) => a.cmp(b),
            (Self::Share(a), Self::Share(b)) => a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0)),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Status(a), Self::Status(b)) => a.map(Status::weight).cmp(&b.map(Status::weight)),
            // A column holds cells of one form.
            (Self::Text(_) | Self::Count(_) | Self::Share(_) | Self::Time(_) | Self::Status(_), _) => {
                Ordering::Equal
            }
        }
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Share(_))
    }
}

type Value<'a, T> = Box<dyn Fn(&T) -> Cell + 'a>;
type Show<'a, T> = Box<dyn Fn(&T) -> Markup + 'a>;

/// A column.
pub struct Column<'a, T> {
    key: Cow<'a, str>,
    title: Cow<'a, str>,
    value: Value<'a, T>,
    show: Option<Show<'a, T>>,
    sortable: bool,
    shown: bool,
}

impl<'a, T> Column<'a, T> {
    /// A column with its name in addresses and exports, its title, and its value.
    pub fn new(
        key: impl Into<Cow<'a, str>>,
        title: impl Into<Cow<'a, str>>,
        value: impl Fn(&T) -> Cell + 'a,
    ) -> Self {
        let (key, title) = (key.into(), title.into());
        Self { key, title, value: Box::new(value), show: None, sortable: true, shown: true }
    }

    /// Shown on pages in another way.
    #[must_use]
    pub fn show(mut self, show: impl Fn(&T) -> Markup + 'a) -> Self {
        self.show = Some(Box::new(show));
        self
    }

    /// Not to be sorted by.
    #[must_use]
    pub const fn fixed(mut self) -> Self {
        self.sortable = false;
        self
    }

    /// Only in exports.
    #[must_use]
    pub const fn export_only(mut self) -> Self {
        self.shown = false;
        self
    }
}

/// A list of a certain form.
pub struct Sheet<'a, T> {
    caption: &'a str,
    path: &'a str,
    params: &'a Params,
    now: Timestamp,
    columns: Vec<Column<'a, T>>,
    exports: bool,
}

impl<'a, T> Sheet<'a, T> {
    /// A list at an address; the parameters say its order and page.
    pub const fn new(caption: &'a str, path: &'a str, params: &'a Params, moment: &Moment) -> Self {
        Self { caption, path, params, now: moment.now, columns: Vec::new(), exports: true }
    }

    /// With another column.
    #[must_use]
    pub fn column(mut self, column: Column<'a, T>) -> Self {
        self.columns.push(column);
        self
    }

    /// A list within a page: all rows, in the order given, without exports.
    #[must_use]
    pub fn inner(mut self) -> Self {
        self.exports = false;
        for column in &mut self.columns {
            column.sortable = false;
        }
        self
    }

    /// Which rows a page shows: how many are skipped, and how many are wanted.
    ///
    /// # Errors
    /// If `page` or `per` is no number in range.
    pub fn window(params: &Params) -> Result<(u64, u32), WebError> {
        let per = params.read::<u32>("per")?.unwrap_or(PER_PAGE);
        let page = params.read::<u32>("page")?.unwrap_or(1);
        if per == 0 || per > PER_PAGE_MAX || page == 0 {
            return Err(WebError::bad_request(format!(
                "`page` and `per` count from 1, and `per` goes up to {PER_PAGE_MAX}"
            )));
        }
        Ok((u64::from(page - 1) * u64::from(per), per))
    }

    /// Puts rows in the order that the address asks for.
    pub fn sort(&self, rows: &mut [T]) {
        let Some(sort) = self.params.get("sort") else { return };
        let (key, down) = sort.strip_prefix('-').map_or((sort, false), |key| (key, true));
        let Some(column) = self.columns.iter().find(|column| column.key == key && column.sortable) else {
            return;
        };
        rows.sort_by(|a, b| {
            let order = (column.value)(a).order(&(column.value)(b));
            if down { order.reverse() } else { order }
        });
    }

    /// CSV of rows, header included; at most [`ROWS_MAX`].
    pub fn csv(&self, rows: &[T]) -> String {
        let head = self.columns.iter().map(|column| column.key.to_string()).collect();
        let body = rows
            .iter()
            .take(ROWS_MAX)
            .map(|row| self.columns.iter().map(|column| (column.value)(row).export()).collect());
        super::csv(std::iter::once(head).chain(body))
    }

    /// The page of a list that is at hand whole.
    pub fn page(&self, mut rows: Vec<T>) -> Markup {
        self.sort(&mut rows);
        let total = rows.len() as u64;
        let (skip, per) = Self::window(self.params).unwrap_or((0, PER_PAGE));
        let shown: Vec<&T> =
            rows.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).take(per as usize).collect();
        self.render(&shown, total, skip, per)
    }

    /// The page of a list of which only these rows are at hand, out of `total`.
    pub fn part(&self, rows: &[T], total: u64) -> Markup {
        let (skip, per) = Self::window(self.params).unwrap_or((0, PER_PAGE));
        self.render(&rows.iter().collect::<Vec<_>>(), total, skip, per)
    }

    /// The rows as a table and nothing else.
    pub fn table(&self, rows: &[T]) -> Markup {
        self.rows(&rows.iter().collect::<Vec<_>>())
    }

    fn render(&self, rows: &[&T], total: u64, skip: u64, per: u32) -> Markup {
        html! {
            @if rows.is_empty() { p.muted { @if skip > 0 { "There is no such page." } @else { "Nothing matches." } } }
            @else { (self.rows(rows)) }
            div.under {
                @if !rows.is_empty() {
                    span.muted { (skip + 1) "–" (skip + rows.len() as u64) " of " (total) }
                    (self.pager(total, skip, per))
                }
                @if self.exports { (self.export_links(total)) }
            }
        }
    }

    fn rows(&self, rows: &[&T]) -> Markup {
        let numeric: Vec<bool> = self
            .columns
            .iter()
            .map(|column| {
                rows.first().is_some_and(|row| (column.value)(row).is_number() && column.show.is_none())
            })
            .collect();
        let columns = || self.columns.iter().zip(&numeric).filter(|(column, _)| column.shown);
        html! {
            div.wide tabindex="0" role="group" aria-label=(self.caption) {
                table {
                    caption.vh { (self.caption) }
                    thead { tr { @for (column, number) in columns() { (self.head(column, *number)) } } }
                    tbody {
                        @for row in rows {
                            tr {
                                @for (column, number) in columns() {
                                    td.num[*number] data-label=(column.title) {
                                        @match &column.show {
                                            Some(show) => (show(row)),
                                            None => ((column.value)(row).show(self.now)),
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn head(&self, column: &Column<'a, T>, number: bool) -> Markup {
        let sort = self.params.get("sort").unwrap_or_default();
        let down = sort.strip_prefix('-') == Some(&*column.key);
        let up = sort == &*column.key;
        let next = if up { format!("-{}", column.key) } else { column.key.to_string() };
        let order = if up { Some("ascending") } else { down.then_some("descending") };
        html! {
            th.num[number] scope="col" aria-sort=[order] {
                @if column.sortable {
                    a href=(self.params.with("sort", &next).without(&["page"]).href(self.path)) {
                        (column.title)
                        @if up { span aria-hidden="true" { " ↑" } } @else if down { span aria-hidden="true" { " ↓" } }
                    }
                } @else if column.title.is_empty() { span.vh { "More" } }
                @else { (column.title) }
            }
        }
    }

    fn pager(&self, total: u64, skip: u64, per: u32) -> Markup {
        let pages = total.div_ceil(u64::from(per));
        let page = skip / u64::from(per) + 1;
        if pages <= 1 {
            return html! {};
        }
        let to = |page: u64| self.params.with("page", &page.to_string()).href(self.path);
        html! {
            nav.pager aria-label="Pages" {
                @if page > 1 { a href=(to(1)) { "First" } a rel="prev" href=(to(page - 1)) { "Previous" } }
                span { "page " (page) " of " (pages) }
                @if page < pages { a rel="next" href=(to(page + 1)) { "Next" } a href=(to(pages)) { "Last" } }
            }
        }
    }

    fn export_links(&self, total: u64) -> Markup {
        let whole = self.params.without(&["page", "per"]);
        html! {
            span.exports {
                (icon(Icon::Download))
                a href=(whole.with("format", "csv").href(self.path)) { "CSV" }
                a href=(whole.with("format", "json").href(self.path)) { "JSON" }
                @if total > ROWS_MAX as u64 { span.muted { "the first " (ROWS_MAX) " rows" } }
            }
        }
    }
}

/// How a status stands in a table: the badge.
impl From<Status> for Cell {
    fn from(status: Status) -> Self {
        Self::Status(Some(status))
    }
}

impl maud::Render for Cell {
    fn render(&self) -> Markup {
        match self {
            Self::Status(Some(status)) => badge(*status),
            Self::Status(None) | Self::Text(_) | Self::Count(_) | Self::Share(_) | Self::Time(_) => {
                html! { (self.export()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (&'static str, u64, Status);

    fn moment() -> Moment {
        Moment::read(&Params::default(), "2026-03-03".parse().unwrap()).unwrap()
    }

    fn with<R>(query: &str, answer: impl FnOnce(Sheet<'_, Row>, Vec<Row>) -> R) -> R {
        let (params, moment) = (Params::parse(query).unwrap(), moment());
        let sheet = Sheet::new("Rows", "/rows", &params, &moment)
            .column(Column::new("name", "Name", |row: &Row| Cell::text(row.0)))
            .column(Column::new("count", "Count", |row: &Row| Cell::Count(row.1)))
            .column(Column::new("status", "Status", |row: &Row| row.2.into()));
        answer(sheet, vec![("<b>", 10, Status::Pass), ("=a", 9, Status::Fail), ("c", 100, Status::Unknown)])
    }

    #[test]
    fn order_and_pages() {
        let text = with("sort=-count&per=2&q=x", |sheet, rows| sheet.page(rows).into_string());
        assert!(text.find("100").unwrap() < text.find("&lt;b&gt;").unwrap() && !text.contains("=a"));
        assert!(text.contains("aria-sort=\"descending\"") && text.contains("1–2 of 3"));
        assert!(text.contains("href=\"/rows?sort=-count&amp;per=2&amp;q=x&amp;page=2\""), "{text}");
        assert!(text.contains("/rows?sort=-count&amp;q=x&amp;format=csv"));
        let text = with("sort=-status", |sheet, rows| sheet.page(rows).into_string());
        assert!(text.find("=a").unwrap() < text.find(">c<").unwrap());
        assert!(with("page=9", |sheet, rows| sheet.page(rows).into_string()).contains("no such page"));
    }

    #[test]
    fn exports_are_harmless() {
        let text = with("", |sheet, rows| sheet.csv(&rows));
        assert_eq!(text, "name,count,status\r\n<b>,10,pass\r\n'=a,9,fail\r\nc,100,unknown\r\n");
    }

    #[test]
    fn windows_are_limited() {
        let window = |query: &str| Sheet::<Row>::window(&Params::parse(query).unwrap());
        assert_eq!(window("page=3&per=10").unwrap(), (20, 10));
        for bad in ["page=0", "per=0", "per=1001", "page=x", "page=-1", "page=99999999999"] {
            assert!(window(bad).is_err(), "{bad}");
        }
    }
}
