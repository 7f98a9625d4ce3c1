//! Each kind of chart as markup: with figures, with one point, with gaps, and with nothing.

use super::*;
use leptos::prelude::*;

fn shown(figure: Figure) -> String {
    Owner::new().with(|| view! { <Chart figure=figure/> }.into_any().to_html())
}

fn weeks(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("W{}", 35 + i)).collect()
}

fn line(values: &[Option<f64>]) -> LineChart {
    LineChart {
        name: "On-time delivery".into(),
        of: "Week".into(),
        unit: " %".into(),
        labels: weeks(values.len()),
        series: vec![LineSeries { name: "all".into(), values: values.to_vec(), stroke: Stroke::Solid }],
        target: Some(95.0),
        ..LineChart::default()
    }
}

/// Full, with one point, and with nothing.
type States = [Figure; 3];

fn lines() -> States {
    let mut lines = line(&[Some(94.8), Some(95.2), Some(90.2), Some(93.9)]);
    lines.series.push(LineSeries {
        name: "without GLS".into(),
        values: vec![Some(95.0), None, Some(90.6), Some(95.1)],
        stroke: Stroke::Dashed,
    });
    lines.bands = vec![Band { from: 2, until: 2, words: "storm".into() }];
    lines.wanted = Some(Wanted { low: 93.0, high: 96.0, words: "wanted: 93 to 96 %".into() });
    [lines.figure(), line(&[Some(93.9)]).figure(), line(&[None, None]).figure()]
}

fn bars() -> States {
    let of = |values: &[Option<f64>]| StackedChart {
        name: "Exceptions opened".into(),
        of: "Week".into(),
        labels: weeks(values.len()),
        bars: vec![
            Bars { name: "Carrier delay".into(), values: values.to_vec(), tone: Tone::Dark, hatch: None },
            Bars { name: "Weather".into(), values: values.to_vec(), tone: Tone::Paper, hatch: Some(Hatch::Rows) },
        ],
        notes: vec![(0, "storm".into())],
        hrefs: (0..values.len()).map(|i| format!("/exceptions?week={i}")).collect(),
        ..StackedChart::default()
    };
    [of(&[Some(345.0), None, Some(955.0)]).figure(), of(&[Some(3.0)]).figure(), of(&[None]).figure()]
}

fn heat() -> States {
    let cell = |value: f64, mark| Some(HeatCell { value, words: format!("{value:.0}"), mark });
    let of = |cells: Vec<Vec<Option<HeatCell>>>| {
        let keys = ["95 % and more", "92 to 95", "88 to 92", "80 to 88", "below 80"];
        HeatMap {
            name: "Lanes: on time".into(),
            side: "origin".into(),
            head: "destination country".into(),
            rows: vec!["DE".into(), "PL".into()],
            columns: vec!["DE".into(), "AT".into(), "FR".into()],
            cells,
            bounds: vec![95.0, 92.0, 88.0, 80.0],
            keys: keys.map(str::to_owned).to_vec(),
            few: "under 20 deliveries".into(),
        }
        .figure()
    };
    let full = vec![
        vec![cell(96.0, Mark::None), cell(95.0, Mark::None), cell(91.0, Mark::None)],
        vec![cell(65.0, Mark::Attention), None, cell(19.0, Mark::TooFew)],
    ];
    [of(full), of(vec![vec![cell(96.0, Mark::None)]]), of(Vec::new())]
}

fn distribution(values: Vec<f64>) -> Distribution {
    Distribution {
        name: "Time to resolve".into(),
        of: "exceptions".into(),
        along: "time from opened to closed".into(),
        edges: (0..=values.len()).map(|i| format!("{i} h")).collect(),
        markers: vec![Marker { at: 0.5, words: "P50 13 h".into() }],
        tail: Some(2),
        values,
        ..Distribution::default()
    }
}

fn distributions() -> States {
    let before = Some(("before".into(), vec![20.0, 70.0, 5.0]));
    let full = Distribution { second: before, ..distribution(vec![30.0, 60.0, 9.0]) };
    [full.figure(), distribution(vec![4.0]).figure(), distribution(vec![0.0, 0.0]).figure()]
}

fn small_distributions() -> States {
    [vec![30.0, 60.0, 9.0], vec![4.0], Vec::new()].map(|values| distribution(values).small(60.0))
}

fn control() -> States {
    let of = |points: &[Option<(f64, u64)>]| {
        ControlChart {
            name: "On time".into(),
            of: "Week".into(),
            points: weeks(points.len()).into_iter().zip(points.iter().copied()).collect(),
            base: 3,
            target: Some(95.0),
            ..ControlChart::default()
        }
        .figure()
    };
    let full = [Some((93.4, 400)), Some((93.9, 380)), None, Some((93.0, 410)), Some((81.4, 390))];
    [of(&full), of(&[Some((93.4, 400))]), of(&[Some((0.0, 0)), None])]
}

fn ranked() -> States {
    let bar = |name: &str, value| RankedBar {
        name: name.into(),
        value,
        tone: Tone::Middle,
        hatch: Some(Hatch::Diagonal),
        href: None,
    };
    let of = |bars| RankedChart { name: "Responsible".into(), of: "Party".into(), unit: String::new(), bars }.figure();
    let full = vec![bar("Recipient", 108.0), bar("Carrier", 262.0), bar("None", 0.0)];
    [of(full), of(vec![bar("Carrier", 1.0)]), of(Vec::new())]
}

fn diverging() -> States {
    let bar = |name: &str, value| DivergingBar { name: name.into(), value, href: Some("/figures/on_time".into()) };
    let of = |bars| {
        let counted = "Late against what is allowed".into();
        DivergingChart { name: "Who keeps us from 95 %".into(), of: "Carrier".into(), counted, bars }.figure()
    };
    let full = vec![bar("GLS", 172.4), bar("DPD", 0.0), bar("DHL", -68.0)];
    [of(full), of(vec![bar("GLS", 1.0)]), of(Vec::new())]
}

fn reliability() -> States {
    let held = |predicted, actual| Held { predicted, actual, n: 42_079 };
    let of = |points| Reliability { name: "Predicted against actual".into(), points }.figure();
    [of(vec![held(10, 11.0), held(50, 51.2), held(80, 79.6)]), of(vec![held(90, 88.0)]), of(Vec::new())]
}

fn all() -> Vec<(&'static str, States)> {
    vec![
        ("line", lines()),
        ("stacked", bars()),
        ("heat", heat()),
        ("distribution", distributions()),
        ("small_distribution", small_distributions()),
        ("control", control()),
        ("ranked", ranked()),
        ("diverging", diverging()),
        ("reliability", reliability()),
    ]
}

/// What it says, and how it is drawn wide; one file for each kind.
#[test]
fn markup_is_as_written_down() {
    for (kind, states) in all() {
        let markup = states.map(|figure| shown(figure).replace("<!>", "").replace("><", ">\n<")).join("\n\n");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(kind, markup);
        });
    }
}

#[test]
fn every_chart_says_its_numbers_and_has_them_as_a_table() {
    for (kind, [full, one, empty]) in all() {
        for (figure, state) in [(&full, "full"), (&one, "one")] {
            let html = shown(figure.clone());
            assert!(html.contains("<table"), "{kind} {state}");
            assert!(html.contains("tabindex=\"0\"") && html.contains("aria-label=\""), "{kind} {state}");
            assert!(figure.title().chars().any(|c| c.is_ascii_digit()), "{kind} {state}: {}", figure.title());
        }
        assert!(empty.title().contains("no data"), "{kind}: {}", empty.title());
        let html = shown(empty);
        assert!(html.contains("No data") && !html.contains("tabindex"), "{kind}: {html}");
    }
}

/// The content security policy forbids styles in the markup, and figures are drawn at numbers.
#[test]
fn nothing_has_a_style_and_every_place_is_a_number() {
    let patterns = Owner::new().with(|| view! { <Patterns/> }.into_any().to_html());
    for (kind, states) in all() {
        for figure in states {
            let html = shown(figure);
            assert!(!html.contains("style="), "{kind}");
            assert!(!html.contains("NaN") && !html.contains("inf") && !html.contains("=\"-0\""), "{kind}: {html}");
            let fills = html.split("url(#").skip(1).filter_map(|rest| rest.split(')').next());
            for fill in fills {
                assert!(patterns.contains(&format!("id=\"{fill}\"")), "{kind}: {fill}");
            }
        }
    }
}

#[test]
fn foreign_names_are_text() {
    let mut chart = line(&[Some(1.0), Some(2.0)]);
    chart.labels = vec!["<script>".into(), "\"><b>".into()];
    let html = shown(chart.figure());
    assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
}

#[test]
fn sparks_and_strips_say_their_numbers() {
    let spark = |values: &[Option<f64>]| Sparkline {
        name: "Tracking up to date, 13 weeks".into(),
        unit: " %".into(),
        values: values.to_vec(),
        target: Some(95.0),
    };
    let show = |line: Sparkline| Owner::new().with(|| view! { <Spark line=line/> }.into_any().to_html());
    let full = spark(&[Some(96.0), None, Some(98.2)]);
    assert_eq!(full.title(), "Tracking up to date, 13 weeks: 96 % to 98.2 %, now 98.2 %, target 95 %");
    let html = show(full);
    assert!(html.contains("aria-label=\"Tracking") && html.matches("<path").count() == 2, "{html}");
    assert_eq!(spark(&[Some(4.0)]).title(), "Tracking up to date, 13 weeks: 4 %, target 95 %");
    assert!(show(spark(&[Some(4.0)])).contains("<circle"));
    let empty = spark(&[None]);
    assert_eq!(empty.title(), "Tracking up to date, 13 weeks: no data");
    assert!(!show(empty).contains("<path"));
    let part = |words: &str, count, hatch| Part { words: words.into(), count, tone: Tone::Light, hatch };
    let stack = Stack {
        name: "Open exceptions by age".into(),
        parts: vec![part("< 4 h", 9, None), part("4–8 h", 0, None), part("> 2 d", 1, Some(Hatch::Cross))],
    };
    assert_eq!(stack.title(), "Open exceptions by age: < 4 h 9, > 2 d 1");
    let html = Owner::new().with(|| view! { <Strip stack=stack/> }.into_any().to_html());
    assert!(html.matches("<rect").count() == 3 && html.contains("p-cross"), "{html}");
    let none = Stack { name: "Open".into(), parts: Vec::new() };
    assert_eq!(none.title(), "Open: none");
}
