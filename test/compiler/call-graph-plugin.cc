/*
 * A plug-in for gcc that writes down, before anything is inlined or dropped, what a call graph is made of: functions,
 * direct calls, indirect calls with the cell they go through, and every flow of a function pointer between cells.
 * Cells are field-based: the field of a struct type, a variable, a local, a return value, whichever object it is in.
 *
 * Output: one file per translation unit in the folder of the argument `out`, one record per line, tab-separated:
 *   F id name file line weak?        a function's definition
 *   C caller callee file line        a direct call
 *   I caller cell file line          an indirect call
 *   A cell index source              an argument of a call through `cell`
 *   S cell source                    `source` (a function `@id` or a cell) flows into `cell`
 * It ends the compiler when the unit is parsed: no object file is made.
 */
#include "gcc-plugin.h"
#include "plugin-version.h"
#include "tree.h"
#include "tree-iterator.h"
#include "c-family/c-common.h"
#include "diagnostic.h"
#include <set>
#include <string>
#include <vector>

int plugin_is_GPL_compatible;

static FILE *out;
static tree current;

using Strings = std::vector<std::string>;

static const char *text(tree identifier) { return identifier ? IDENTIFIER_POINTER(identifier) : ""; }

static std::string fileOf(tree decl)
{
	const char *file = DECL_SOURCE_FILE(decl);
	return file ? (!strncmp(file, "./", 2) ? file + 2 : file) : "";
}

/* `NAME` if the linker sees it, else `FILE:NAME`. */
static std::string functionId(tree fn)
{
	std::string name = text(DECL_NAME(fn));
	return TREE_PUBLIC(fn) && !DECL_DECLARED_INLINE_P(fn) ? name : fileOf(fn) + ":" + name;
}

static std::string tagOf(tree type)
{
	type = TYPE_MAIN_VARIANT(type);
	tree name = TYPE_NAME(type);
	if (name && TREE_CODE(name) == TYPE_DECL) name = DECL_NAME(name);
	if (name) return text(name);
	tree stub = TYPE_STUB_DECL(type);
	if (!stub) return "?";
	return "anonymous@" + fileOf(stub) + ":" + std::to_string(DECL_SOURCE_LINE(stub));
}

static std::string fieldCell(tree field)
{
	/* A member of an anonymous struct or union belongs to the type that has a name. */
	return "f:" + tagOf(DECL_CONTEXT(field)) + "." + text(DECL_NAME(field));
}

static std::string localCell(tree decl, tree fn)
{
	const char *name = DECL_NAME(decl) ? text(DECL_NAME(decl)) : "";
	return std::string(TREE_CODE(decl) == PARM_DECL ? "p:" : "l:") + functionId(fn) + ":" + name + "#" +
	       std::to_string(TREE_CODE(decl) == PARM_DECL ? 0 : DECL_UID(decl));
}

static std::string paramCell(tree fn, unsigned index) { return "a:" + functionId(fn) + ":" + std::to_string(index); }

static int paramIndex(tree parm)
{
	int i = 0;
	for (tree p = DECL_ARGUMENTS(current); p; p = DECL_CHAIN(p), i++)
		if (p == parm) return i;
	return -1;
}

/* A weak definition is another function than the one that the linker puts in its place. */
static std::string definedId(tree fn)
{
	return DECL_WEAK(fn) ? fileOf(fn) + ":" + text(DECL_NAME(fn)) : functionId(fn);
}

/* The memory that an expression names, as a cell; empty if it is none that is tracked. */
static std::string cellOf(tree x)
{
	if (!x) return "";
	switch (TREE_CODE(x)) {
	case COMPONENT_REF:
		return fieldCell(TREE_OPERAND(x, 1));
	case ARRAY_REF:
	case INDIRECT_REF:
	case MEM_REF:
	case REALPART_EXPR:
	CASE_CONVERT:
	case NON_LVALUE_EXPR:
	case SAVE_EXPR:
	case POINTER_PLUS_EXPR:
	case ADDR_EXPR:
	case VIEW_CONVERT_EXPR:
		return cellOf(TREE_OPERAND(x, 0));
	case PARM_DECL: {
		int i = current ? paramIndex(x) : -1;
		return i < 0 ? "" : "a:" + functionId(current) + ":" + std::to_string(i);
	}
	case VAR_DECL:
		if (DECL_NAME(x) && (DECL_FILE_SCOPE_P(x) || DECL_EXTERNAL(x)))
			return TREE_PUBLIC(x) || DECL_EXTERNAL(x) ? std::string("v:") + text(DECL_NAME(x))
								  : "v:" + fileOf(x) + ":" + text(DECL_NAME(x));
		return current ? localCell(x, current) : "";
	case TARGET_EXPR:
		return cellOf(TREE_OPERAND(x, 0));
	default:
		return "";
	}
}

static bool isFunctionPointer(tree type)
{
	return type && POINTER_TYPE_P(type) && TREE_CODE(TREE_TYPE(type)) == FUNCTION_TYPE;
}

/* Where the value of an expression can come from: `@function` or cells. */
static void sourcesOf(tree x, Strings &into)
{
	if (!x) return;
	switch (TREE_CODE(x)) {
	case ADDR_EXPR:
		if (TREE_CODE(TREE_OPERAND(x, 0)) == FUNCTION_DECL) {
			into.push_back("@" + functionId(TREE_OPERAND(x, 0)));
			return;
		}
		break;
	case FUNCTION_DECL:
		into.push_back("@" + functionId(x));
		return;
	CASE_CONVERT:
	case NON_LVALUE_EXPR:
	case SAVE_EXPR:
		sourcesOf(TREE_OPERAND(x, 0), into);
		return;
	case COND_EXPR:
		sourcesOf(TREE_OPERAND(x, 1), into);
		sourcesOf(TREE_OPERAND(x, 2), into);
		return;
	case COMPOUND_EXPR:
		sourcesOf(TREE_OPERAND(x, 1), into);
		return;
	case MODIFY_EXPR:
		sourcesOf(TREE_OPERAND(x, 1), into);
		return;
	case CALL_EXPR: {
		tree fn = get_callee_fndecl(x);
		if (fn) into.push_back("r:" + functionId(fn));
		return;
	}
	case BIND_EXPR:
		sourcesOf(BIND_EXPR_BODY(x), into);
		return;
	case STATEMENT_LIST:
		if (!tsi_end_p(tsi_last(x))) sourcesOf(tsi_stmt(tsi_last(x)), into);
		return;
	default:
		break;
	}
	std::string cell = cellOf(x);
	if (!cell.empty()) into.push_back(cell);
}

static void flow(const std::string &cell, tree value)
{
	Strings sources;
	sourcesOf(value, sources);
	for (const std::string &source : sources)
		if (source != cell) fprintf(out, "S\t%s\t%s\n", cell.c_str(), source.c_str());
}

/* A pointer to a function, or to memory that may hold one (a table, a struct of operations). */
static bool mayCarry(tree x)
{
	tree type = TREE_TYPE(x);
	if (!type || !POINTER_TYPE_P(type)) return false;
	tree to = TREE_TYPE(type);
	return TREE_CODE(to) == FUNCTION_TYPE || isFunctionPointer(to);
}

static void initializer(const std::string &cell, tree value)
{
	STRIP_NOPS(value);
	if (TREE_CODE(value) != CONSTRUCTOR) {
		if (mayCarry(value) || (TREE_CODE(value) == ADDR_EXPR && TREE_CODE(TREE_OPERAND(value, 0)) == FUNCTION_DECL)) flow(cell, value);
		return;
	}
	unsigned HOST_WIDE_INT i;
	tree index, element;
	FOR_EACH_CONSTRUCTOR_ELT(CONSTRUCTOR_ELTS(value), i, index, element)
		initializer(index && TREE_CODE(index) == FIELD_DECL ? fieldCell(index) : cell, element);
}

static tree visit(tree *at, int *subtrees, void *data)
{
	tree x = *at;
	if (TYPE_P(x)) {
		*subtrees = 0;
		return NULL_TREE;
	}
	std::string caller = definedId(current);
	switch (TREE_CODE(x)) {
	case CALL_EXPR: {
		if (!CALL_EXPR_FN(x)) break;
		location_t where = EXPR_LOCATION(x);
		expanded_location place = expand_location(where);
		tree callee = CALL_EXPR_FN(x);
		Strings targets;
		sourcesOf(callee, targets);
		for (const std::string &target : targets) {
			bool direct = target[0] == '@';
			fprintf(out, "%c\t%s\t%s\t%s\t%d\n", direct ? 'C' : 'I', caller.c_str(), target.c_str() + (direct ? 1 : 0),
				place.file ? place.file : "", place.line);
			for (int i = 0; i < call_expr_nargs(x); i++) {
				tree arg = CALL_EXPR_ARG(x, i);
				if (!mayCarry(arg)) continue;
				Strings sources;
				sourcesOf(arg, sources);
				for (const std::string &source : sources)
					if (direct) fprintf(out, "S\ta:%s:%d\t%s\n", target.c_str() + 1, i, source.c_str());
					else fprintf(out, "A\t%s\t%d\t%s\n", target.c_str(), i, source.c_str());
			}
		}
		if (targets.empty()) fprintf(out, "I\t%s\t?%s\t%s\t%d\n", caller.c_str(), get_tree_code_name(TREE_CODE(callee)), place.file ? place.file : "", place.line);
		break;
	}
	case MODIFY_EXPR:
	case INIT_EXPR: {
		tree value = TREE_OPERAND(x, 1);
		std::string cell = cellOf(TREE_OPERAND(x, 0));
		if (cell.empty()) break;
		if (TREE_CODE(value) == CONSTRUCTOR || TREE_CODE(value) == COMPOUND_LITERAL_EXPR) initializer(cell, value);
		else if (mayCarry(value)) flow(cell, value);
		break;
	}
	case COMPOUND_LITERAL_EXPR: {
		tree decl = COMPOUND_LITERAL_EXPR_DECL(x);
		if (decl && DECL_INITIAL(decl)) initializer("?", DECL_INITIAL(decl));
		break;
	}
	case RETURN_EXPR: {
		tree value = TREE_OPERAND(x, 0);
		if (value && (TREE_CODE(value) == MODIFY_EXPR || TREE_CODE(value) == INIT_EXPR)) value = TREE_OPERAND(value, 1);
		if (value && TREE_TYPE(value) && mayCarry(value)) flow("r:" + caller, value);
		break;
	}
	case BIND_EXPR:
		for (tree decl = BIND_EXPR_VARS(x); decl; decl = DECL_CHAIN(decl))
			if (TREE_CODE(decl) == VAR_DECL && DECL_INITIAL(decl)) {
				std::string cell = cellOf(decl);
				if (!cell.empty()) initializer(cell, DECL_INITIAL(decl));
			}
		break;
	default:
		break;
	}
	return NULL_TREE;
}

static void functionDefined(void *event, void *)
{
	tree fn = (tree)event;
	if (TREE_CODE(fn) != FUNCTION_DECL || !out) return;
	current = fn;
	fprintf(out, "F\t%s\t%s\t%s\t%d\t%s\n", definedId(fn).c_str(), text(DECL_NAME(fn)), fileOf(fn).c_str(), DECL_SOURCE_LINE(fn),
		DECL_WEAK(fn) ? "weak" : "");
	hash_set<tree> seen;
	walk_tree(&DECL_SAVED_TREE(fn), visit, NULL, &seen);
	current = NULL_TREE;
}

static void declared(void *event, void *)
{
	tree decl = (tree)event;
	if (TREE_CODE(decl) != VAR_DECL || !DECL_INITIAL(decl) || DECL_INITIAL(decl) == error_mark_node || !DECL_FILE_SCOPE_P(decl)) return;
	std::string cell = cellOf(decl);
	if (!cell.empty()) initializer(cell, DECL_INITIAL(decl));
}

static void parsed(void *, void *)
{
	if (out) fclose(out);
	_exit(seen_error() ? 1 : 0);
}

int plugin_init(plugin_name_args *info, plugin_gcc_version *version)
{
	if (!plugin_default_version_check(version, &gcc_version)) return 1;
	const char *folder = ".";
	for (int i = 0; i < info->argc; i++)
		if (!strcmp(info->argv[i].key, "out")) folder = info->argv[i].value;
	std::string unit = main_input_filename;
	for (char &c : unit)
		if (c == '/') c = '~';
	std::string path = std::string(folder) + "/" + unit + ".txt";
	out = fopen(path.c_str(), "w");
	if (!out) return 1;
	register_callback(info->base_name, PLUGIN_PRE_GENERICIZE, functionDefined, NULL);
	register_callback(info->base_name, PLUGIN_FINISH_DECL, declared, NULL);
	register_callback(info->base_name, PLUGIN_ALL_IPA_PASSES_START, parsed, NULL);
	return 0;
}
