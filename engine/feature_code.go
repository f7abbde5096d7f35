package engine

import "strings"

// hasFence reports whether a line of the text begins, after blanks and quote marks,
// with three backticks: a fenced code block, whether or not it is closed.
func hasFence(text string) bool {
	const fence = "```"
	for at := 0; ; {
		i := strings.Index(text[at:], fence)
		if i < 0 {
			return false
		}
		at += i
		start := strings.LastIndexByte(text[:at], '\n') + 1
		if strings.Trim(text[start:at], " \t>") == "" {
			return true
		}
		// The rest of this line cannot begin a block.
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			return false
		}
		at += next
	}
}

// sourceExtensions are file name endings that mean source code. Data and prose
// formats (json, yaml, md, txt, csv) are not among them.
var sourceExtensions = func() map[string]bool {
	set := make(map[string]bool)
	for _, name := range strings.Fields(`
		asm astro bash bat c cc cjs clj cljs cmake cpp cs css cts cu cxx dart ex exs
		f90 fs fsx gd glsl go gradle graphql groovy h hcl hh hpp hs html hxx ipynb
		java jl js jsx kt kts lua mjs ml mli mm mts nim nix php pl pm proto ps1
		py pyi pyx r rb rkt rs sass sbt scala scm scss sh sol sql svelte sv swift
		tcl tf ts tsx vala vb vhd vhdl vue wat wgsl zig zsh`) {
		set[name] = true
	}
	return set
}()

const maxExtension = 8 // bytes, of the longest in sourceExtensions and one more

// products are names that look like a source file but are not one.
var products = map[string]bool{
	"angular.js": true, "backbone.js": true, "chart.js": true, "d3.js": true, "discord.js": true,
	"ember.js": true, "express.js": true, "nest.js": true, "next.js": true, "node.js": true,
	"nuxt.js": true, "p5.js": true, "react.js": true, "solid.js": true, "svelte.js": true,
	"three.js": true, "vue.js": true,
}

// namesSource reports whether a word of the text is the name of a source file, with
// or without a path. Addresses (://, www., an @) are not file names.
func namesSource(text string) bool {
	checked := 0 // text[:checked] holds no word that is still open
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '.')
		if i < 0 {
			return false
		}
		at += i
		end := extensionEnd(text, at)
		if end == 0 {
			continue
		}
		start := wordStart(text, at, checked)
		if isSourceFile(text[start:end]) && !isAddress(text[start:end]) {
			return true
		}
		checked = at
		if isAddress(text[start:end]) {
			// The rest of an address is not looked at again.
			for end < len(text) && !endsWord(text[end]) {
				end++
			}
			checked, at = end, end-1
		}
	}
}

// extensionEnd returns where the known extension after the dot ends, or 0.
func extensionEnd(text string, dot int) int {
	end := dot + 1
	for end < len(text) && end-dot <= maxExtension && isAlphanumeric(text[end]) {
		end++
	}
	if end == dot+1 || !sourceExtensions[text[dot+1:end]] {
		return 0
	}
	if end < len(text) {
		switch c := text[end]; {
		case c >= 0x80, c == '_', isAlphanumeric(c), c == '(', c == '@':
			return 0
		case c == '.' && end+1 < len(text) && isAlphanumeric(text[end+1]):
			return 0 // main.go.bak
		}
	}
	return end
}

// wordStart returns where the word that ends at the dot begins, not before limit.
func wordStart(text string, dot, limit int) int {
	start := dot
	for start > limit && !endsWord(text[start-1]) {
		start--
	}
	return start
}

func isAddress(word string) bool {
	return strings.Contains(word, "://") || strings.HasPrefix(word, "www.") || strings.IndexByte(word, '@') >= 0
}

// isSourceFile reports whether name, with or without a path, has a source-code
// extension, in lower case as such names are written.
func isSourceFile(name string) bool {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || !sourceExtensions[name[dot+1:]] {
		return false
	}
	if last := name[dot-1]; !isAlphanumeric(last) && last != '_' && last != '-' && last < 0x80 {
		return false
	}
	if len(name)-dot == 2 && dot < 2 {
		return false // one letter on each side, as in "D.c"
	}
	return !(len(name) <= 16 && products[strings.ToLower(name)])
}

// endsWord reports whether the byte cannot stand in a path that is written in prose.
func endsWord(c byte) bool {
	return c <= ' ' || strings.IndexByte("\"'`()[]{}<>,;|*", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
