message='It'"'"'s <b>new</b> \ $(id)'
page='<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Back soon</title>
<style>body { font: 1.1em/1.5 sans-serif; max-width: 32em; margin: 20vh auto; padding: 0 1em; color: #333 }</style>
<h1>Back soon</h1>
<p>It&#x27;s &lt;b&gt;new&lt;/b&gt; \ $(id)</p>
</html>
'

local by='' since='' why=''
ensure_dir "${maintenance}" 755 root:root
ensure_file "${maintenance}/page.html" 644 root:root "${page}"
[[ ! -e ${maintenance}/on ]] || IFS=$'\t' read -r by since why <"${maintenance}/on" || :
if [[ -n ${by} && ${why} == "${message}" ]]; then ok 'maintenance page'; else change 'maintenance page' put_memo "${maintenance}/on" "${message}"; fi
tell_maintenance
