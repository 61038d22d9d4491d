-- Texts come in as lines of JSON, {"text": Markdown}, and go out as lines of JSON, {"html": Typst}, without anything
-- that reads a file or leads elsewhere: links are their words, pictures their names, raw parts are left out.
local dialect = arg[1]
local nothing = function() return {} end

local filter = {
  Link = function(link) return link.content end,
  Image = function(image)
    local words = pandoc.utils.stringify(image.caption)
    local name = image.src:match("([^/\\]*)$"):sub(1, 80)
    return pandoc.Emph({pandoc.Str("[figure: " .. name .. (words ~= "" and ", " .. words or "") .. "]")})
  end,
  Header = function(heading) return pandoc.Para({pandoc.Strong(heading.content)}) end,
  Div = function(div) return div.content end,
  Span = function(span) return span.content end,
  Figure = function(figure) return figure.content end,
  Note = function(note) return pandoc.utils.blocks_to_inlines(note.content) end,
  Cite = function(cite) return cite.content end,
  HorizontalRule = nothing,
  RawBlock = nothing,
  RawInline = nothing,
  CodeBlock = function(block) block.attr = pandoc.Attr(); return block end,
  Code = function(code) code.attr = pandoc.Attr(); return code end,
}

for line in io.lines() do
  local document = pandoc.read(pandoc.json.decode(line, false).text, dialect, {}, {}):walk(filter)
  io.stdout:write(pandoc.json.encode({html = pandoc.write(document, "typst", {wrap_text = "wrap-none"})}), "\n")
  io.stdout:flush()
end
