"""The loader of our templates: what is the same at every rendering is worked out once, when a template is read.

A template is kept for each language. In it the words of `{% translate %}`, the marks of `{% icon %}`, addresses without
arguments and the files of `{% static %}` are text, and a template included by its name stands where it is included: a ticket
has a third of the nodes. What depends on a value stays a node, so nothing of one person can reach another. Named by
settings.TEMPLATES; templates of packages, and everything but HTML, are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.template import Context, Template, TemplateDoesNotExist
from django.template.base import (
    FilterExpression,
    Node,
    NodeList,
    TextNode,
    TokenType,
    Variable,
    VariableNode,
)
from django.template.defaulttags import (
    CommentNode,
    CsrfTokenNode,
    ForNode,
    IfChangedNode,
    IfNode,
    LoadNode,
    TemplateTagNode,
    URLNode,
    WithNode,
)
from django.template.library import InclusionNode, SimpleNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode
from django.template.loaders.cached import Loader as CachedLoader
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.templatetags.static import StaticNode
from django.utils.translation import get_language

#: Templates of ours that are rendered in one go, in the language in which they are asked for.
_OURS: Final = ("base.html", "desk/", "routing/")
#: Tags whose answer depends on nothing but their arguments and the language.
_STEADY: Final = frozenset({"icon", "status_mark", "priority_mark", "channel_mark"})
_SILENT = (LoadNode, CommentNode)
#: Nodes that set no variable, so that an included template of these needs no frame of its own.
_PLAIN = (TextNode, VariableNode, ForNode, WithNode, CsrfTokenNode, InclusionNode, TemplateTagNode)


class Loader(CachedLoader):
    """Django's cached loader with a copy for each language, folded."""

    def cache_key(self, template_name: str, skip: Any = None) -> str:
        """Apart for each language."""
        return f"{get_language()} {super().cache_key(template_name, skip)}"

    def get_template(self, template_name: str, skip: Any = None) -> Template:
        """The template of that name in the active language. Raises TemplateDoesNotExist."""
        template: Template = super().get_template(template_name, skip)
        if not hasattr(template, "is_folded"):
            template.is_folded = True  # type: ignore[attr-defined]
            if template_name.startswith(_OURS) and template_name.endswith(".html"):
                _Folding(template).fold()
        return template


class _Inlined(Node):
    """An included template in its place, with a frame for the values it is given and the variables it sets."""

    def __init__(self, nodelist: NodeList, values: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self.values = values

    def render(self, context: Context) -> str:
        """As IncludeNode, without looking for the template."""
        values = {name: value.resolve(context) for name, value in self.values.items()}
        with context.push(**values):
            return self.nodelist.render(context)


class _Folding:
    """One template on its way."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.nothing = Context()

    def fold(self) -> None:
        """Replaces the template's nodes."""
        with self.nothing.bind_template(self.template):
            self.template.nodelist = self._folded(self.template.nodelist)

    def _folded(self, nodes: Iterable[Node]) -> NodeList:
        """The nodes, each folded, neighbouring texts joined."""
        found = NodeList()
        texts: list[str] = []
        for node in self._spliced(nodes):
            if isinstance(node, TextNode):
                texts.append(node.s)
                continue
            if texts:
                found.append(TextNode("".join(texts)))
                texts = []
            found.append(node)
        if texts:
            found.append(TextNode("".join(texts)))
        found.contains_nontext = any(not isinstance(node, TextNode) for node in found)
        return found

    def _spliced(self, nodes: Iterable[Node]) -> Iterator[Node]:
        for node in nodes:
            if isinstance(node, _SILENT):
                continue
            if self._is_steady(node):
                yield TextNode(str(node.render(self.nothing)))
            elif isinstance(node, IncludeNode):
                yield from self._included(node)
            else:
                self._fold_within(node)
                yield node

    def _fold_within(self, node: Node) -> None:
        """Folds what hangs below nodes that we know; others (a change of language, say) keep theirs as it is."""
        if isinstance(node, IfNode):
            node.conditions_nodelists = [(asked, self._folded(then)) for asked, then in node.conditions_nodelists]
        elif isinstance(node, ForNode | IfChangedNode | WithNode | BlockNode):
            for name in node.child_nodelists:
                if (below := getattr(node, name, None)) is not None:
                    setattr(node, name, self._folded(below))
        elif isinstance(node, ExtendsNode):
            for block in node.blocks.values():  # they are all that is rendered of it
                self._fold_within(block)

    def _included(self, node: IncludeNode) -> Iterator[Node]:
        name = _constant(node.template)
        if node.isolated_context or not isinstance(name, str) or not name.startswith(_OURS):
            yield node
            return
        try:
            below = self.template.engine.get_template(name).nodelist  # folded by the loader
        except TemplateDoesNotExist:
            yield node
            return
        if below.get_nodes_by_type(ExtendsNode):
            yield node
        elif node.extra_context or not _sets_nothing(below):
            yield _Inlined(below, node.extra_context)
        else:
            yield from below

    def _is_steady(self, node: Node) -> bool:
        """Whether the node says the same at every rendering in this language."""
        if isinstance(node, TemplateTagNode):
            return True
        if isinstance(node, TranslateNode):
            return not node.asvar and node.message_context is None and _is_constant(node.filter_expression)
        if isinstance(node, BlockTranslateNode):
            asked = (node.extra_context, node.countervar, node.plural, node.asvar, node.message_context)
            return not any(asked) and all(token.token_type == TokenType.TEXT for token in node.singular)
        if isinstance(node, StaticNode):
            return node.varname is None and _is_constant(node.path)
        if isinstance(node, URLNode):
            return not (node.args or node.kwargs or node.asvar) and _is_constant(node.view_name)
        if type(node) is SimpleNode:
            values = [*node.args, *node.kwargs.values()]
            is_known = getattr(node.func, "__name__", "") in _STEADY and not node.takes_context
            return is_known and node.target_var is None and all(_is_constant(value) for value in values)
        return False


def _is_constant(value: FilterExpression) -> bool:
    """Whether it is a text or number written in the template."""
    if value.filters:
        return False
    return value.var.literal is not None if isinstance(value.var, Variable) else not value.is_var


def _constant(value: FilterExpression) -> object:
    return value.resolve(Context()) if _is_constant(value) else None


def _sets_nothing(nodes: Iterable[Node]) -> bool:
    """Whether no node leaves a variable behind in the frame it is rendered in."""
    return all(_leaves_nothing(node) for node in nodes)


def _leaves_nothing(node: Node) -> bool:
    if isinstance(node, TranslateNode | BlockTranslateNode | URLNode):
        return not node.asvar
    if isinstance(node, SimpleNode):
        return node.target_var is None and not node.takes_context
    if isinstance(node, IfNode):
        return all(_sets_nothing(then) for _asked, then in node.conditions_nodelists)
    if isinstance(node, IfChangedNode):
        return _sets_nothing(node.nodelist_true) and _sets_nothing(node.nodelist_false)
    return isinstance(node, (*_PLAIN, _Inlined))
