-- Answers come in as lines of JSON, {"text": Markdown}, and go out as lines of JSON, {"html": ...}. Nothing else is read.
local dialect = arg[1]

local function words_of(link)
  local words = link.content
  if pandoc.utils.stringify(words) ~= link.target then
    words:extend({pandoc.Space(), pandoc.Str("(" .. link.target .. ")")})
  end
  return pandoc.Span(words)
end

local function name_of(image)
  local words = pandoc.utils.stringify(image.caption)
  local name = image.src:match("([^/\\]*)$"):sub(1, 80)
  return pandoc.Emph({pandoc.Str("[figure: " .. name .. (words ~= "" and ", " .. words or "") .. "]")})
end

local filter = {
  Link = words_of,
  Image = name_of,
  Header = function(heading)
    heading.level = math.min(heading.level + 1, 6)
    return heading
  end,
}

for line in io.lines() do
  local document = pandoc.read(pandoc.json.decode(line, false).text, dialect, {}, {}):walk(filter)
  local html = pandoc.write(document, "html", {html_math_method = "mathml", wrap_text = "wrap-none"})
  io.stdout:write(pandoc.json.encode({html = html}), "\n")
  io.stdout:flush()
end
