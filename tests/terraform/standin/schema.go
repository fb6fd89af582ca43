package main

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func str(m ...string) schema.StringAttribute {
	a := schema.StringAttribute{}
	for _, w := range m {
		switch {
		case w == "req":
			a.Required = true
		case w == "opt":
			a.Optional = true
		case w == "comp":
			a.Computed = true
		case w == "keep":
			a.PlanModifiers = append(a.PlanModifiers, stringplanmodifier.UseStateForUnknown())
		case w == "rr":
			a.PlanModifiers = append(a.PlanModifiers, stringplanmodifier.RequiresReplace())
		case w == "secret":
			a.Sensitive = true
		case strings.HasPrefix(w, "="):
			a.Computed, a.Optional, a.Default = true, true, stringdefault.StaticString(w[1:])
		}
	}
	return a
}

func (p *pipe) Schema(_ context.Context, _ resource.SchemaRequest, r *resource.SchemaResponse) {
	creds := map[string]schema.Attribute{}
	for _, n := range []string{"username", "password", "access_key_id", "secret_key", "connection_string", "certificate", "private_key"} {
		creds[n] = str("opt", "secret")
	}
	rrObject := []planmodifier.Object{objectplanmodifier.RequiresReplace()}
	kafka := map[string]schema.Attribute{
		"type": str("=kafka", "rr"), "format": str("req", "rr"), "brokers": str("req", "rr"), "topics": str("req", "rr"),
		"consumer_group": str("opt", "comp", "keep", "rr"), "authentication": str("=PLAIN"),
		"credentials": schema.SingleNestedAttribute{Optional: true, Attributes: creds},
		"iam_role":    str("opt"), "ca_certificate": str("opt"),
		"offset": schema.SingleNestedAttribute{Optional: true, PlanModifiers: rrObject,
			Attributes: map[string]schema.Attribute{"strategy": str("req"), "timestamp": str("opt")}},
		"exactly_once": schema.BoolAttribute{Optional: true, PlanModifiers: []planmodifier.Bool{boolplanmodifier.RequiresReplace()}},
	}
	table := map[string]schema.Attribute{
		"engine": schema.SingleNestedAttribute{Required: true, Attributes: map[string]schema.Attribute{
			"type": str("req"), "version_column_id": str("opt"), "column_ids": schema.ListAttribute{Optional: true, ElementType: types.StringType}}},
		"sorting_key": schema.ListAttribute{Optional: true, ElementType: types.StringType}, "partition_by": str("opt"), "primary_key": str("opt")}
	r.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": str("comp", "keep"), "service_id": str("req", "rr"), "name": str("req"), "state": str("comp"),
		"stopped": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
		"scaling": schema.SingleNestedAttribute{Optional: true, Attributes: map[string]schema.Attribute{
			"replicas":               schema.Int64Attribute{Optional: true, Computed: true},
			"replica_cpu_millicores": schema.Int64Attribute{Optional: true, Computed: true},
			"replica_memory_gb":      schema.Float64Attribute{Optional: true, Computed: true}}},
		"source": schema.SingleNestedAttribute{Required: true, Attributes: map[string]schema.Attribute{
			"kafka": schema.SingleNestedAttribute{Required: true, Attributes: kafka}}},
		"destination": schema.SingleNestedAttribute{Required: true, Attributes: map[string]schema.Attribute{
			"database": str("=default", "rr"), "table": str("req", "rr"),
			"managed_table":    schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true), PlanModifiers: []planmodifier.Bool{boolplanmodifier.RequiresReplace()}},
			"table_definition": schema.SingleNestedAttribute{Optional: true, PlanModifiers: rrObject, Attributes: table},
			"columns": schema.ListNestedAttribute{Required: true, NestedObject: schema.NestedAttributeObject{
				Attributes: map[string]schema.Attribute{"name": str("req"), "type": str("req")}}},
			"roles": schema.ListAttribute{Optional: true, ElementType: types.StringType, PlanModifiers: []planmodifier.List{listplanmodifier.RequiresReplace()}}}},
		"field_mappings": schema.ListNestedAttribute{Optional: true, NestedObject: schema.NestedAttributeObject{
			Attributes: map[string]schema.Attribute{"source_field": str("req"), "destination_field": str("req")}}},
		"settings": schema.DynamicAttribute{Optional: true},
	}}
}

type offset struct {
	Strategy  types.String `tfsdk:"strategy"`
	Timestamp types.String `tfsdk:"timestamp"`
}
type credentials struct {
	Username         types.String `tfsdk:"username"`
	Password         types.String `tfsdk:"password"`
	AccessKeyID      types.String `tfsdk:"access_key_id"`
	SecretKey        types.String `tfsdk:"secret_key"`
	ConnectionString types.String `tfsdk:"connection_string"`
	Certificate      types.String `tfsdk:"certificate"`
	PrivateKey       types.String `tfsdk:"private_key"`
}
type kafka struct {
	Type           types.String `tfsdk:"type"`
	Format         types.String `tfsdk:"format"`
	Brokers        types.String `tfsdk:"brokers"`
	Topics         types.String `tfsdk:"topics"`
	ConsumerGroup  types.String `tfsdk:"consumer_group"`
	Authentication types.String `tfsdk:"authentication"`
	Credentials    *credentials `tfsdk:"credentials"`
	IamRole        types.String `tfsdk:"iam_role"`
	CaCertificate  types.String `tfsdk:"ca_certificate"`
	Offset         *offset      `tfsdk:"offset"`
	ExactlyOnce    types.Bool   `tfsdk:"exactly_once"`
}
type source struct {
	Kafka *kafka `tfsdk:"kafka"`
}
type engine struct {
	Type            types.String `tfsdk:"type"`
	VersionColumnID types.String `tfsdk:"version_column_id"`
	ColumnIDs       []string     `tfsdk:"column_ids"`
}
type tableDefinition struct {
	Engine      *engine      `tfsdk:"engine"`
	SortingKey  []string     `tfsdk:"sorting_key"`
	PartitionBy types.String `tfsdk:"partition_by"`
	PrimaryKey  types.String `tfsdk:"primary_key"`
}
type column struct {
	Name string `tfsdk:"name" json:"name"`
	Type string `tfsdk:"type" json:"type"`
}
type destination struct {
	Database        types.String     `tfsdk:"database"`
	Table           types.String     `tfsdk:"table"`
	ManagedTable    types.Bool       `tfsdk:"managed_table"`
	TableDefinition *tableDefinition `tfsdk:"table_definition"`
	Columns         []column         `tfsdk:"columns"`
	Roles           []string         `tfsdk:"roles"`
}
type mapping struct {
	SourceField      string `tfsdk:"source_field" json:"sourceField"`
	DestinationField string `tfsdk:"destination_field" json:"destinationField"`
}
type scaling struct {
	Replicas types.Int64   `tfsdk:"replicas"`
	CPU      types.Int64   `tfsdk:"replica_cpu_millicores"`
	Memory   types.Float64 `tfsdk:"replica_memory_gb"`
}
type model struct {
	ID            types.String  `tfsdk:"id"`
	ServiceID     types.String  `tfsdk:"service_id"`
	Name          types.String  `tfsdk:"name"`
	State         types.String  `tfsdk:"state"`
	Stopped       types.Bool    `tfsdk:"stopped"`
	Scaling       *scaling      `tfsdk:"scaling"`
	Source        *source       `tfsdk:"source"`
	Destination   *destination  `tfsdk:"destination"`
	FieldMappings []mapping     `tfsdk:"field_mappings"`
	Settings      types.Dynamic `tfsdk:"settings"`
}
