"""Customers: found by address, read, corrected."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.actions.customer_merging import merge_customers, unmerge_customers
from helpdesk.actions.customers import edit_customer
from helpdesk.api.base import ApiViewSet
from helpdesk.api.filters import CustomerFilters
from helpdesk.api.pagination import CursorPages
from helpdesk.api.serializers.customers import (
    CustomerChangeSerializer,
    CustomerMergeSerializer,
    CustomerPartSerializer,
    CustomerSerializer,
)
from helpdesk.models import Customer
from helpdesk.queries.customers import merges_into


class CustomerViewSet(ApiViewSet):
    """The customers of the tickets one sees."""

    noun = "customers"
    model = Customer
    matrix: ClassVar[dict[str, str]] = {
        "list": "customer.view",
        "retrieve": "customer.view",
        "partial_update": "customer.edit",
        "merge": "customer.merge",
        "unmerge": "customer.merge",
    }
    knows: ClassVar[dict[str, frozenset[str]]] = {"list": CursorPages.params | frozenset(CustomerFilters.base_filters)}
    filterset_class = CustomerFilters
    keyset = ("name", "pk")

    def customers(self) -> QuerySet[Customer]:
        """The customers the caller sees, with their addresses."""
        standing = Customer.objects.visible_to(self.actor).filter(merged_into__isnull=True)
        return standing.select_related("organisation").prefetch_related("addresses")

    @extend_schema(summary="Customers by name", responses=CustomerSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of customers; `email` finds the one with that address."""
        return self.page(CustomerSerializer, self.filter_queryset(self.customers()))

    @extend_schema(summary="One customer", responses={200: CustomerSerializer})
    def retrieve(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """The customer with addresses and organisation."""
        return Response(self.show(CustomerSerializer, self._customer(id)))

    @extend_schema(summary="Correct a customer", request=CustomerChangeSerializer, responses={200: CustomerSerializer})
    def partial_update(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Changes what is given; the rest stays."""
        customer = self._customer(id)
        values = self.read(CustomerChangeSerializer)
        now = {name: getattr(customer, name) for name in ("name", "tier", "language", "time_zone", "notes")}
        edit_customer(customer=customer, actor=self.actor, **{**now, **values})
        return Response(self.show(CustomerSerializer, self._customer(id)))

    @extend_schema(
        summary="Merge another into this customer", request=CustomerMergeSerializer, responses={200: CustomerSerializer}
    )
    def merge(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """This customer takes the addresses, tickets and places in copy of the other, and what his fields add."""
        target = self._customer(id)
        access.ensure(self.actor, "customer.merge")
        values = self.read(CustomerMergeSerializer)
        source = self.customers().filter(public_id=values["source"]).first()
        if source is None:
            raise BadInput(_("There is no such customer that you may see."))
        merge_customers(target=target, source=source, actor=self.actor, choices=values.get("choices"))
        return Response(self.show(CustomerSerializer, self._customer(id)))

    @extend_schema(
        summary="Part a merged customer again", request=CustomerPartSerializer, responses={200: CustomerSerializer}
    )
    def unmerge(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """The other gets back exactly what moved, and is a customer of his own again."""
        target = self._customer(id)
        access.ensure(self.actor, "customer.merge")
        key = self.read(CustomerPartSerializer)["source"]
        row = next((row for row in merges_into(target) if row.source_public_id == key), None)
        if row is None:
            raise BadInput(_("This customer is not merged into %(name)s any more.") % {"name": target})
        unmerge_customers(source=row.source, actor=self.actor)
        return Response(self.show(CustomerSerializer, self._customer(id)))

    def _customer(self, public_id: uuid.UUID) -> Customer:
        found = self.customers().filter(public_id=public_id).first()
        if found is None:
            raise Http404
        return found
