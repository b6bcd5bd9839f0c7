// The one stylesheet of the docs pages. Owns how they look, light and dark, narrow and wide; needs no script, no font
// and no file from anywhere.
import type { DocsConfig } from './docs-config.ts';

export function stylesheet({ theme }: DocsConfig): string {
  const scheme = theme.darkMode === true ? 'dark' : theme.darkMode === false ? 'light' : 'light dark';
  return `:root{color-scheme:${scheme};--accent:${theme.primaryColor ?? '#2563eb'}}${SHEET}`;
}

// The accent is the user's choice, so text in it is mixed with the text colour: it stays readable whatever they chose.
const SHEET = `
:root{--ground:light-dark(#ffffff,#11151c);--raised:light-dark(#f5f7fa,#1a202b);--line:light-dark(#dce1e8,#303947);
--text:light-dark(#1b2330,#e4e8ee);--soft:light-dark(#556070,#a0abba);--link:color-mix(in oklab,var(--accent) 62%,var(--text))}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:4.5rem}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.65 system-ui,sans-serif;overflow-wrap:break-word}
a{color:var(--link);text-underline-offset:.18em}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-100vw;top:.5rem;background:var(--ground);padding:.5rem 1rem;z-index:3}
.skip:focus{left:.5rem}
.top{position:sticky;top:0;z-index:2;display:flex;align-items:center;gap:1rem;padding:.6rem 1.25rem;min-height:3.5rem;
background:var(--ground);border-bottom:1px solid var(--line);border-top:3px solid var(--accent)}
.brand{display:flex;align-items:center;gap:.6rem;font-weight:650;color:var(--text);text-decoration:none;min-width:0}
.brand img{height:1.75rem;width:auto;max-width:10rem}
.top form{margin-left:auto;display:flex;min-width:0}
.top input{width:15rem;max-width:100%;min-width:0;font:inherit;font-size:.9rem;padding:.35rem .7rem;color:inherit;
background:var(--raised);border:1px solid var(--line);border-radius:.45rem}
.toggle{display:none}
.frame{display:grid;grid-template-columns:15.5rem minmax(0,1fr);max-width:84rem;margin:0 auto}
.frame.toc{grid-template-columns:15.5rem minmax(0,1fr) 13rem}
.side,.toc aside{position:sticky;top:3.6rem;align-self:start;max-height:calc(100vh - 3.6rem);overflow:auto;padding:1.75rem 1.25rem}
.side ul,.toc aside ul{list-style:none;margin:0;padding:0}
.side a{display:block;padding:.28rem .7rem;border-radius:.4rem;color:var(--soft);text-decoration:none}
.side a:hover{background:var(--raised);color:var(--text)}
.side a[aria-current]{background:var(--raised);color:var(--text);font-weight:600;box-shadow:inset 3px 0 var(--accent)}
.side h2,.toc aside h2{font-size:.75rem;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin:1.4rem 0 .4rem;padding:0 .7rem;border:0}
.side h2:first-child,.toc aside h2:first-child{margin-top:0}
.toc aside{font-size:.85rem}
.toc aside a{display:block;padding:.15rem .7rem;color:var(--soft);text-decoration:none}
.toc aside a:hover{color:var(--text);text-decoration:underline}
.toc aside .d3 a{padding-left:1.5rem}
main{padding:1.75rem 2.25rem 5rem;min-width:0;max-width:56rem}
main:focus{outline:0}
h1,h2,h3,h4{line-height:1.25;margin:2em 0 .6em}
h1{font-size:2.1rem;letter-spacing:-.015em;margin-top:0}
h2{font-size:1.4rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
h3{font-size:1.12rem}
h4{font-size:1rem}
.lead,.soft{color:var(--soft)}
.lead{font-size:1.12rem}
code,pre,.path{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font-size:.875em;background:var(--raised);border:1px solid var(--line);border-radius:.3rem;padding:.08em .35em}
pre{background:var(--raised);border:1px solid var(--line);border-radius:.6rem;padding:.9rem 1.1rem;overflow:auto;font-size:.9rem;line-height:1.55}
pre code{background:none;border:0;padding:0;font-size:inherit}
blockquote{margin:1.2rem 0;padding:.1rem 1.1rem;border-left:4px solid var(--accent);background:var(--raised);border-radius:0 .4rem .4rem 0}
img{max-width:100%;height:auto}
hr{border:0;border-top:1px solid var(--line);margin:2.5rem 0}
.wide{overflow-x:auto;margin:1.2rem 0}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{text-align:left;vertical-align:top;padding:.5rem .75rem;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft);white-space:nowrap}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem;padding:0;margin:1.5rem 0;list-style:none}
.cards a{display:block;height:100%;padding:1rem 1.15rem;border:1px solid var(--line);border-radius:.7rem;background:var(--raised);color:var(--text);text-decoration:none}
.cards a:hover{border-color:var(--accent)}
.cards b{display:block}
.cards span{color:var(--soft);font-size:.92rem}
.tag,.verb{display:inline-block;font-size:.74rem;font-weight:650;line-height:1.5;padding:.05rem .5rem;border-radius:.35rem;border:1px solid var(--line);background:var(--raised);color:var(--soft)}
.verb{min-width:4.1rem;text-align:center;color:light-dark(#fff,#0d1117);border:0;background:light-dark(#4b5563,#b3bcc8)}
.get{background:light-dark(#1d5fc4,#8ab8ff)}.post{background:light-dark(#0f7043,#6fd8a0)}.put,.patch{background:light-dark(#8a5300,#f2bd6b)}.delete{background:light-dark(#b3261e,#ff9d94)}
.calls{list-style:none;padding:0;margin:.5rem 0 0}
.calls a{display:flex;flex-wrap:wrap;align-items:baseline;gap:.2rem .75rem;padding:.4rem .5rem;border-radius:.4rem;color:var(--text);text-decoration:none}
.calls a:hover{background:var(--raised)}
.call{border:1px solid var(--line);border-radius:.7rem;margin:1.5rem 0;padding:0 1.25rem 1rem}
.call>h2{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem .75rem;font-size:1.02rem;margin:0 -1.25rem 1rem;padding:.75rem 1.25rem}
.call h3{font-size:.95rem;margin:1.3rem 0 .4rem}
.path{font-size:.95em;overflow-wrap:anywhere}
details{border:1px solid var(--line);border-radius:.5rem;margin:.6rem 0;padding:.45rem .9rem}
summary{cursor:pointer;font-weight:550}
.fields{list-style:none;margin:.3rem 0;padding:0}
.fields .fields{margin-left:.45rem;padding-left:.9rem;border-left:2px solid var(--line)}
.fields li{padding:.2rem 0}
.turn{display:flex;justify-content:space-between;gap:1rem;margin-top:3.5rem;padding-top:1.2rem;border-top:1px solid var(--line)}
@media (max-width:70rem){.frame.toc{grid-template-columns:15.5rem minmax(0,1fr)}.toc aside{display:none}}
@media (max-width:48rem){.frame,.frame.toc{display:block}.toggle{display:inline}.side{display:none;position:static;max-height:none;border-bottom:1px solid var(--line)}
.side:target{display:block}main{padding:1.25rem 1.25rem 4rem}.top{gap:.75rem}.top input{width:8.5rem}h1{font-size:1.7rem}}
@media print{.top,.side,.toc aside,.turn{display:none}.frame,.frame.toc{display:block}}
`;
